"""What may be searched for in Temporal: one list, for who sets, registers and looks for it."""

from temporalio.common import SearchAttributeKey

PROGRAM = SearchAttributeKey.for_keyword("HandrailProgram")
PHASE = SearchAttributeKey.for_keyword("HandrailPhase")
LEAD = SearchAttributeKey.for_keyword("HandrailLead")
COUNTY = SearchAttributeKey.for_keyword("HandrailCounty")
LEA_TYPE = SearchAttributeKey.for_keyword("HandrailLeaType")
NEXT_DUE = SearchAttributeKey.for_datetime("HandrailNextDue")

KINDS = {
    key.name: key.indexed_value_type for key in (PROGRAM, PHASE, LEAD, COUNTY, LEA_TYPE, NEXT_DUE)
}
"""The kind of each by its name; one that is not registered wedges the workflow that sets it."""
