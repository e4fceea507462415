"""What is counted and measured, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """All figures of one service, since it was started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"shelfwatch_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"shelfwatch_{name}", text, labels, registry=self.registry)

        self.read = counter("frames_read", "Frames read and kept", "camera")
        self.reused = counter("frames_reused", "Of those, that changed nothing: the last reading holds", "camera")
        self.dropped = counter("frames_dropped", "Frames of a source that a newer one took the place of", "camera")
        self.refused = counter("frames_refused", "Frames that were not taken, by the reason", "camera", "reason")
        self.missed = counter("source_misses", "Times that a source had no frame to give", "camera")
        self.restarts = counter("source_restarts", "Times that a source was begun again after an error", "camera")
        self.last_frame = gauge("last_frame_seconds", "When the last frame came, seconds since 1970", "camera")
        self.silent = gauge("camera_silent", "1 for a camera without a frame for too long", "camera")
        self.stage = Histogram(
            "shelfwatch_stage_seconds",
            "Time of each stage of a frame",
            ("stage",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.alerts = counter("alerts", "Alerts, by kind and what became of them", "kind", "event")
        self.positions = gauge("positions", "Positions at each level", "level")
        self.to_review = gauge("to_review", "Questions to a person")
        self.not_saved = counter("saves_failed", "Times that the disk did not take what was new")
        self.delivered = counter("events_delivered", "Events that an outlet took", "outlet")
        self.failed = counter("deliveries_failed", "Deliveries that failed and are tried again", "outlet")
        self.given_up = counter("events_given_up", "Events that an outlet will not take", "outlet")
        self.waiting = gauge("events_waiting", "Events that an outlet has not taken yet", "outlet")
        self.streams = gauge("event_streams", "Open streams of events")
        self.requests = counter("requests", "HTTP requests", "method", "route", "status")
        self.logins = counter("logins", "Requests for a token", "outcome")
        self.pictures = counter("pictures_kept", "Pictures that were stored, blurred", "camera")

    def text(self) -> bytes:
        """In the format of Prometheus."""
        return generate_latest(self.registry)
