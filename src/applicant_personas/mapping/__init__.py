"""From a foreign source to the input contract: profiles in, a proposal and starter SQL out."""

from applicant_personas.mapping.contract import read_contract
from applicant_personas.mapping.coverage import coverage
from applicant_personas.mapping.propose import propose
from applicant_personas.mapping.report import filled_crosswalk, mapping_files

__all__ = ["coverage", "filled_crosswalk", "mapping_files", "propose", "read_contract"]
