"""All mutants."""

from typing import Final

from tests.mutants.answers import ANSWERS
from tests.mutants.ledger import LEDGER
from tests.mutants.mutant import Mutant
from tests.mutants.plans import PLANS
from tests.mutants.privacy import PRIVACY
from tests.mutants.sending import SENDING

MUTANTS: Final[tuple[Mutant, ...]] = (*LEDGER, *PLANS, *SENDING, *ANSWERS, *PRIVACY)
