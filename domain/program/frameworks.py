"""Review frameworks: the areas by which an LEA is looked at, as versioned data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from domain.kernel.fields import Option, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, WrongPerson
from domain.kernel.wording import counted
from domain.policy.framework import Framework
from domain.rules.registry import decides, evolves

if TYPE_CHECKING:
    # The context knows frameworks, as it knows playbooks; only its deciders know the context.
    from domain.rules.context import Context

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
def publish_framework(command: PublishFramework, state: State, context: "Context") -> Decision:
    if "director" not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not publish a framework: policy is a Director's to change. "
            f"Ask a Director to run this command."
        )
    versions = state.of(Frameworks).versions
    if versions and command.content.version <= versions[-1].version:
        last = versions[-1]
        raise AlreadyExists(
            f"The framework {last.id} has version {last.version} already, so version "
            f"{command.content.version} cannot be published: a version never changes. Give the "
            f"file a version after {last.version}."
        )
    return [FrameworkPublished(framework=command.content)]


@evolves(FrameworkPublished)
def framework_published(state: State, event: FrameworkPublished, stamp: Stamp) -> State:
    return state.put(Frameworks((*state.of(Frameworks).versions, event.framework)))
