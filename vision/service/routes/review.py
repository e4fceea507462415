"""What people are asked, and the pictures that help them to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import Request, Response, Security
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from vision.alerts import Alert
from vision.review import Question
from vision.service.problems import Refused
from vision.service.routes.common import Caller, CameraId, require, routes_with, the_service
from vision.service.routes.shelves import NOT_THERE
from vision.watch import Watch

router = routes_with("review")


class AnswerIn(BaseModel):
    """A person's word on an alert: whether it is right; `product`: the SKU that stands there, if it is another than was
    said. `by`: who says so."""

    id: str = Field(max_length=400)
    right: bool
    by: str = Field("", max_length=100)
    product: str = Field("", max_length=200)


class Answered(BaseModel):
    """What became of alerts with the answer."""

    alerts: list[Alert]


@router.get("/v1/review")
def questions(request: Request) -> list[Question]:
    """What waits for an answer, the dearest first."""
    return list(the_service(request).engine.known.questions)


@router.post("/v1/review", responses=NOT_THERE)
async def answer(
    request: Request, said: AnswerIn, caller: Annotated[Caller, Security(require, scopes=["review"])]
) -> Answered:
    """Answer a question; a later answer replaces an earlier one. It is on the disk once this returns."""
    engine = the_service(request).engine
    if said.id not in engine.known.asked:
        raise Refused("unknown", "there was no such question")
    if said.product and said.product not in engine.layout.catalog:
        raise Refused("unknown sku", f"{said.product}; expected a SKU of the catalog")
    if said.product and not said.right:
        raise Refused("not possible", "a product with right: false; expected it where the rest is right")
    by = said.by or caller.client

    def take(watch: Watch, at: float) -> Sequence[Alert]:
        watch.queue.answer(said.id, said.right, by, said.product)
        return watch.hear(at)

    new: tuple[Alert, ...] = await asyncio.wrap_future(engine.call(take))
    return Answered(alerts=list(new))


@router.get(
    "/v1/cameras/{camera}/picture",
    response_class=Response,
    responses={**NOT_THERE, 200: {"content": {"image/jpeg": {}}}},
)
def picture(request: Request, camera: CameraId) -> Response:
    """The newest stored picture of a camera, without recognisable people. None is stored unless the settings say so.
    `Frame-Time` is when it was taken, by the frames' clock: `/v1/readings?camera=ID&near=TIME` has its boxes."""
    service = the_service(request)
    path = service.pictures.newest(camera) if service.pictures and camera in service.cameras else None
    if path is None:
        raise Refused("unknown", "there is no stored picture of such a camera")
    return FileResponse(path, media_type="image/jpeg", headers={"Frame-Time": path.stem})
