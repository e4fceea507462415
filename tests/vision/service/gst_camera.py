"""A network camera as many are made: GStreamer's RTSP server, whose stream is H.264.

Debian has it for its own Python: `gst_camera.py PORT PICTURE` serves a PNG at rtsp://127.0.0.1:PORT/stream there.
"""

import sys


def serve(port: str, picture: str) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( filesrc location={picture} ! pngdec ! imagefreeze is-live=true ! video/x-raw,framerate=10/1 ! videoconvert "
        "! video/x-raw,format=I420 ! x264enc tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96 )"
    )
    factory.set_shared(True)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/stream", factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
