"""Review frameworks: the areas by which an LEA is looked at, as versioned data."""

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from domain.kernel.fields import Option, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.wording import counted
from domain.policy.framework import Framework
from domain.program.publishing import may_publish
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

about_noun("framework", "Publish the frameworks by which systems are reviewed.")


class PublishFramework(Command):
    """Publish a framework version. Reviews under way keep the version they began with."""

    aggregate = "framework"
    noun = "framework"
    verb = "publish"

    content: Annotated[Framework, Positional(), Option("file")]
    """The framework, as a YAML file."""

    def stream(self, command_id: UUID) -> str:
        return f"framework:{self.content.id}"


class FrameworkPublished(Event):
    type: ClassVar[str] = "framework-published"
    framework: Framework

    def sentence(self) -> str:
        framework = self.framework
        return (
            f"Framework {framework.ref} was published, {counted(len(framework.areas), 'area')}: "
            f"{framework.title}."
        )


@dataclass(frozen=True, slots=True)
class Frameworks:
    """The versions of a framework, oldest first."""

    versions: tuple[Framework, ...] = ()


@decides(PublishFramework)
def publish_framework(command: PublishFramework, state: State, context: Context) -> Decision:
    may_publish(
        "framework",
        command.content,
        state.of(Frameworks).versions,
        context,
        # Some are numbered by their year.
        next_version="a version after {1}",
    )
    return [FrameworkPublished(framework=command.content)]


@evolves(FrameworkPublished)
def framework_published(state: State, event: FrameworkPublished, stamp: Stamp) -> State:
    return state.put(Frameworks((*state.of(Frameworks).versions, event.framework)))
