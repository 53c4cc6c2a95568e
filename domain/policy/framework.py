"""A framework: the areas by which an LEA is looked at."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from domain.kernel.bounds import Version, Written

if TYPE_CHECKING:
    # The context knows frameworks, as it knows playbooks; only its deciders know the context.
    pass


class Area(Written):
    """One area of a review."""

    id: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
    """What people type, for example governance."""
    name: str
    priorities: tuple[Annotated[int, Field(ge=1, le=99)], ...] = ()
    """The LCFF priorities that the framework ties to it; none where it ties none."""


class Framework(Written):
    """One version of a review framework; an engagement keeps the version its review began with."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    version: Version
    title: str
    source: str
    """Where the areas come from, for whoever must check them."""
    areas: tuple[Area, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [a.id for a in self.areas]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is there twice; an area's id is its own")
        return self

    @property
    def ref(self) -> str:
        """Name and version in one word, as people type it: ``sir-12@2019``."""
        return f"{self.id}@{self.version}"
