"""armrest-flows: a company's customer master into Amili's ARM, safely. This library knows nothing of Prefect."""
