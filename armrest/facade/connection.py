"""The connection: everything that the library does for a program, with the settings of one ARM.

Each function has a synchronous form (`plan`) and an asynchronous one (`aplan`), with the same implementation.
"""

from armrest.facade.run_calls import RunCalls
from armrest.facade.source_calls import SourceCalls


class Connection(RunCalls, SourceCalls):
    """Access to one ARM, with the ledger in one home; `armrest.connect` returns one.

    Each call reads the settings of the environment again; settings given to `connect` replace them. A connection never
    shows its token, and a pickled copy does not contain the token.
    """
