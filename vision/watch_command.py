"""`shelfwatch watch`: cameras watched over time, with alerts; `shelfwatch review`: what a person is asked."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from scenarios import Camera, Frame, InputError, Layout, load_layout
from vision.alerts import Alert, in_words
from vision.calibrate import load_camera
from vision.durable import sole_owner
from vision.pipeline import Pipeline
from vision.recognize import Gallery
from vision.review import Question, ReviewQueue
from vision.runtimes.options import add_runtime
from vision.sources import Missed, Source, together
from vision.watch import ALERTS, REVIEW, STATE, KeptInFolder, Watch

MOST = 20
"""Lines of a table in the terminal."""


def add_watch(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands to the parser of `shelfwatch`."""
    watch = commands.add_parser("watch", help="watch shelves through cameras over time and raise alerts")
    watch.add_argument("sources", nargs="+", help="a folder of pictures, a video or a stream for each camera")
    watch.add_argument(
        "--camera", type=Path, nargs="+", required=True, help="camera.yaml of each source, in their order"
    )
    watch.add_argument(
        "--planogram", type=Path, required=True, help="folder with store.yaml, catalog.csv, planogram.csv"
    )
    watch.add_argument("--gallery", type=Path, help="gallery.npz of `enroll`; without it no product is named")
    watch.add_argument("--state", type=Path, default=Path("watch"), help="folder for what is known (default watch)")
    watch.add_argument(
        "--every", type=_seconds, metavar="SECONDS",
        help="between the pictures of a folder, by the order of their names (default: by the times in their names, "
        "else by when they were changed), or the frames taken of a video or stream (default 5)",
    )  # fmt: skip
    watch.add_argument("--follow", action="store_true", help="wait for new pictures in the folders")
    watch.add_argument(
        "--silent", type=_seconds, default=600.0, metavar="SECONDS",
        help="without a frame of a stream or followed folder until its camera is silent (default 600)",
    )  # fmt: skip
    watch.add_argument("--detector", default="yolo11n", help="shipped weights or an ONNX file (default yolo11n)")
    watch.add_argument("--recognizer", default="embed", help="shipped weights or an ONNX file (default embed)")
    add_runtime(watch)
    watch.set_defaults(run=run_watch)
    review = commands.add_parser("review", help="answer what `watch` asks a person")
    review.add_argument("state", type=Path, nargs="?", default=Path("watch"), help="its --state folder (default watch)")
    review.add_argument("--yes", nargs="+", default=(), metavar="ID", help="alerts that are right")
    review.add_argument("--no", nargs="+", default=(), metavar="ID", help="alerts that are wrong")
    review.add_argument("--by", default="", help="who says so")
    review.set_defaults(run=run_review)


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}; expected seconds above 0")
    return value


def run_watch(options: argparse.Namespace) -> None:
    """Watch until the sources end, or until interrupted; alerts are printed as they come."""
    cameras = [load_camera(path) for path in options.camera]
    sources = _sources(options, cameras)
    layout = load_layout(options.planogram)
    gallery = Gallery.load(options.gallery) if options.gallery is not None else None
    pipeline = Pipeline.load(
        options.detector, options.recognizer, gallery, layout, options.runtime, fallback=options.fallback
    )
    for name, where in pipeline.ran_on.items():
        if where.instead_of:
            print(f"{name} on {where}", file=sys.stderr)
    if gallery is None:
        print("Without --gallery no product is named: what stands in a place is taken for the planned one.")
    options.state.mkdir(parents=True, exist_ok=True)
    with sole_owner(options.state / ".lock"):
        _Run(Watch(KeptInFolder(options.state), pipeline, cameras), options.state).through(sources)


def _sources(options: argparse.Namespace, cameras: Sequence[Camera]) -> list[Source]:
    if len(options.sources) != len(cameras):
        raise InputError(f"watch: {len(options.sources)} sources and {len(cameras)} cameras; expected one camera each")
    ids = [camera.id for camera in cameras]
    if len(set(ids)) < len(ids):
        raise InputError(f"watch: cameras {', '.join(ids)}; expected an id of its own for each")
    rows = zip(options.sources, cameras)
    return [Source(path, camera, options.every, options.follow, options.silent) for path, camera in rows]


class _Run:
    """One run of `shelfwatch watch`, with what it counts."""

    def __init__(self, watch: Watch, folder: Path) -> None:
        self.watch, self.layout, self.folder = watch, watch.layout, folder
        self.frames = self.skipped = self.old = self.unsaved = self.alerts = 0

    def through(self, sources: Sequence[Source]) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            for seen in together(sources, self._is_new):
                self._take(seen)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
        if not self.frames and self.skipped and not self.watch.any_seen:
            raise InputError(f"none of {self.skipped} pictures is readable")
        self._summary()

    def _is_new(self, camera: str, time: float) -> bool:
        new = self.watch.is_new(camera, time)
        self.old += not new
        return new

    def _take(self, seen: Frame | Missed) -> None:
        new: tuple[Alert, ...] = ()
        if isinstance(seen, Missed):
            self._skip(seen.why)
            if seen.silent:
                new = self.watch.miss(seen.camera.id, seen.time)
        else:
            try:
                new = self.watch.see(seen)
            except InputError as error:
                self._skip(str(error))
                return
            self.frames += 1
        for alert in new:
            print(alert_line(self.layout, alert), flush=True)
        self.alerts += len(new)
        try:
            self.watch.keep()
        except OSError as error:
            self.unsaved += 1
            print(f"not saved: {error.filename or self.folder}: {error.strerror}; goes on", file=sys.stderr)

    def _skip(self, why: str) -> None:
        self.skipped += 1
        print(f"skipped: {why}", file=sys.stderr)

    def _summary(self) -> None:
        standing, asked = self.watch.alerts.standing, len(self.watch.queue.pending)
        print(f"\nframes read      {self.frames:6d}   skipped {self.skipped}   seen before {self.old}{self._lost()}")
        print(f"alerts           {self.alerts:6d}   {len(standing)} standing, {asked} to review")
        for alert in standing[:MOST]:
            print(alert_line(self.layout, alert))
        if len(standing) > MOST:
            print(f"and {len(standing) - MOST} more")
        folder = self.folder
        print(f"alerts           {folder / ALERTS}\nquestions        {folder / REVIEW}   (shelfwatch review {folder})")
        print(f"state            {folder / STATE}")

    def _lost(self) -> str:
        return f"   {self.unsaved} times not saved" if self.unsaved else ""


def alert_line(layout: Layout, alert: Alert) -> str:
    """One alert for a terminal: when, what became of it, value a day at stake, confidence, what and where."""
    event = "to review" if alert.review else alert.event
    what = f"{alert.value:9.2f} a day  {100 * alert.confidence:3.0f} %  {in_words(layout, alert)}"
    return f"{clock(alert.time)}  {event:9s} {what}"


def clock(time: float) -> str:
    """Local date and time of seconds since 1970; of a video's or numbered pictures' own clock the seconds."""
    if time < 1e8:
        return f"{time:8.1f} s"
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S")


def run_review(options: argparse.Namespace) -> None:
    """Take answers given as options; without any, ask for them at the terminal."""
    path = options.state / REVIEW
    if not (options.state / STATE).is_file():
        raise InputError(
            f"{options.state}: nothing was watched there; expected the --state folder of `shelfwatch watch`"
        )
    queue = ReviewQueue(path)
    unknown = sorted({*options.yes, *options.no} - queue.ids)
    if unknown:
        raise InputError(f"{unknown[0]}: no such question; `shelfwatch review {options.state}` lists them")
    for ids, right in ((options.yes, True), (options.no, False)):
        for id in ids:
            queue.answer(id, right, options.by)
    if not options.yes and not options.no and sys.stdin.isatty():
        _ask(queue, options.by)
    for question in queue.pending[:MOST]:
        print(f"{_question_line(question)}\n    --yes or --no {question.id}")
    print(f"{len(queue.pending)} to review, {len(queue.answers)} answered")


def _ask(queue: ReviewQueue, by: str) -> None:
    for question in queue.pending:
        said = input(f"{_question_line(question)}\nright? y, n, or Enter to skip: ").strip().lower()
        if said in ("y", "n"):
            queue.answer(question.id, said == "y", by)


def _question_line(question: Question) -> str:
    return f"{clock(question.time)}  {question.value:9.2f} a day  {100 * question.confidence:3.0f} %  {question.text}"
