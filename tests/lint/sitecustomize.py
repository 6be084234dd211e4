"""Read by Python when `make lint` starts the linter of SQL and its workers.

Trees of large queries are many objects and no garbage: to look for some takes a third of the time.
"""

import gc

gc.set_threshold(200_000, 50, 50)
