"""A network camera that speaks RTSP (RFC 2326): it sends JPEG over RTP (RFC 2435) within the RTSP connection, and can
be turned off, turned on at the same port, and stall."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

CLOCK = 90_000
"""Ticks of RTP's clock a second for video."""
PAYLOAD = 1200
RATE = 25.0


def parts_of(jpeg: bytes) -> tuple[tuple[int, int], bytes, bytes]:
    """Width and height, the two quantisation tables and the entropy-coded data of a baseline JPEG."""
    size, tables, at = (0, 0), b"", 2
    while True:
        kind, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        body = jpeg[at + 4 : at + 2 + length]
        if kind == 0xDB:
            while body:
                tables, body = tables + body[1:65], body[65:]
        elif kind == 0xC0:
            height, width = struct.unpack(">HH", body[1:5])
            size = width, height
        at += 2 + length
        if kind == 0xDA:
            return size, tables, jpeg[at:-2]


def packets(jpeg: bytes, number: int, ticks: int) -> Iterator[bytes]:
    """One picture as RTP packets from sequence number `number` on."""
    (width, height), tables, data = parts_of(jpeg)
    offset = 0
    while offset < len(data):
        # Type 1: 4:2:0; Q 255: the tables come with the picture.
        head = struct.pack(">I", offset) + bytes([1, 255, width // 8, height // 8])
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        part = data[offset : offset + PAYLOAD]
        offset += len(part)
        last = offset >= len(data)
        rtp = struct.pack(">BBHII", 0x80, (0x80 if last else 0) | 26, number & 0xFFFF, ticks & 0xFFFFFFFF, 7)
        number += 1
        yield rtp + head + part


class RtspCamera:
    """`picture` is what it sees, as a JPEG of 4:2:0 whose sides are multiples of 16 pixels."""

    def __init__(self, picture: bytes) -> None:
        self.picture, self.stalled, self.port, self.served = picture, False, 0, 0
        self.on()

    @property
    def url(self) -> str:
        return f"rtsp://name:password@127.0.0.1:{self.port}/stream"

    def on(self) -> None:
        """Begin to listen, again at the same port."""
        camera = self
        camera.running = True

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                camera.connections.add(self.request)
                sending: threading.Thread | None = None
                while (request := self._request()) is not None:
                    method, sequence = request
                    more = {
                        "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
                        "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
                        "PLAY": "Session: 1\r\nRange: npt=0.000-\r\n",
                    }.get(method, "")
                    body = ""
                    if method == "DESCRIBE":
                        body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=c\r\nt=0 0\r\n"
                        body += "m=video 0 RTP/AVP 26\r\na=control:video\r\n"
                        more = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                    try:
                        self.wfile.write(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{more}\r\n{body}".encode())
                    except OSError:
                        return
                    if method == "PLAY" and sending is None:
                        camera.served += 1
                        sending = threading.Thread(target=self._send, daemon=True)
                        sending.start()

            def _request(self) -> tuple[str, str] | None:
                """Method and CSeq of the next request; what else comes (RTCP) is passed over."""
                lines: list[str] = []
                try:
                    while True:
                        first = self.rfile.peek(1)[:1] if hasattr(self.rfile, "peek") else b""
                        if first == b"$":
                            length = struct.unpack(">H", self.rfile.read(4)[2:])[0]
                            self.rfile.read(length)
                            continue
                        line = self.rfile.readline()
                        if not line:
                            return None
                        if line.strip():
                            lines.append(line.decode())
                        elif lines:
                            break
                except (OSError, struct.error):
                    return None
                sequence = next(row.split(":")[1].strip() for row in lines if row.lower().startswith("cseq"))
                return lines[0].split()[0], sequence

            def _send(self) -> None:
                number, begun = 0, time.monotonic()
                while camera.running:
                    if not camera.stalled:
                        ticks = int((time.monotonic() - begun) * CLOCK)
                        for packet in packets(camera.picture, number, ticks):
                            number += 1
                            try:
                                self.wfile.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
                            except OSError:
                                return
                    time.sleep(1 / RATE)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.connections: set[Any] = set()
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def off(self) -> None:
        """As when its plug is pulled."""
        self.running = False
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
