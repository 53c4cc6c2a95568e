"""What is said where an investment came before the appropriation that pays for it."""

from datetime import date
from typing import TYPE_CHECKING, Any, cast

from domain.envelope import Receipt
from domain.policy.playbook import Playbook
from queries.unappropriated import unappropriated
from tests.conftest import Office

if TYPE_CHECKING:
    from bootstrap.door import Door

E = "alder-creek-usd"
WINDOWS = {"first": date(2026, 7, 1), "until": date(2029, 6, 30)}


async def warned(office: Office, receipt: Receipt) -> list[str]:
    return await unappropriated(cast("Door", office), receipt)


async def invested(office: Office, **body: Any) -> Receipt:
    return await office.do(
        "investment add", engagement=E, **({"amount": "9000", "purpose": "training"} | body)
    )


async def money(office: Office, id_: str, **body: Any) -> Receipt:
    given = {"amount": "90000", "source": "an act", **WINDOWS} | body
    return await office.do("appropriation record", "dana", appropriation=id_, **given)


async def test_an_investment_before_any_appropriation_says_so_and_how_to_bring_it_in(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    [said] = await warned(office, await invested(office))
    assert said == (
        "no appropriation is recorded yet, so INV-1 draws from none. Once there is one: handrail "
        "investment correct alder-creek-usd INV-1 --appropriation ID --reason REASON"
    )


async def test_an_appropriation_names_what_it_could_have_paid_for(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await invested(office, fy="2026-27")
    await invested(office, amount="1000.50", purpose="a survey")
    await invested(office, purpose="never made")
    await office.do("investment withdraw", engagement=E, investment="INV-3", reason="never made")
    [said] = await warned(office, await money(office, "dta-2026"))
    assert said.startswith(
        "2 investments of $10,000.50 draw from no appropriation and are not counted in dta-2026: "
        "INV-1 of alder-creek-usd ($9,000.00), INV-2 of alder-creek-usd ($1,000.50). Bring in"
    )
    assert "handrail investment correct alder-creek-usd INV-1 --appropriation dta-2026" in said

    await office.do("investment correct", engagement=E, investment="INV-1",
                    appropriation="dta-2026", reason="paid from it")  # fmt: skip
    [said] = await warned(office, await money(office, "second"))
    assert said.startswith("1 investment of $1,000.50 draws from no appropriation and is not")


async def test_nothing_is_said_of_what_an_appropriation_cannot_have_paid_for(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await invested(office, fy="2026-27")
    later = {"first": date(2027, 7, 1), "until": date(2029, 6, 30)}
    assert await warned(office, await money(office, "later", **later)) == []


async def test_an_investment_that_draws_from_one_needs_no_word(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    assert await warned(office, await money(office, "dta-2026")) == []
    assert await warned(office, await invested(office, fy="2026-27")) == []


async def test_the_history_says_that_it_draws_from_none(office: Office, playbook: Playbook) -> None:
    from store.events import read_stream

    await office.to_onboarding(playbook)
    await invested(office, fy="2026-27")
    async with office.pool.acquire() as connection:
        history = await read_stream(connection, office.vault, f"engagement:{E}")
    assert history[-1].event.sentence() == (
        "INV-1: $9,000.00 for training, fiscal year 2026-27, from no appropriation."
    )
