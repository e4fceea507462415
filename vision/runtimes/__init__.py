"""Where a network runs: one door to each runtime.

`open_session` loads a weights file on a runtime. The precision is the file's own: `shelfwatch export` makes one file a
format and precision. What a network runs on in the end stands in `Session.ran_on`, also where that is not what was
asked for.
"""

from vision.runtimes.door import ON_PROCESSOR as ON_PROCESSOR
from vision.runtimes.door import RUNTIMES as RUNTIMES
from vision.runtimes.door import available_runtimes as available_runtimes
from vision.runtimes.door import cores as cores
from vision.runtimes.door import lacking as lacking
from vision.runtimes.door import open_session as open_session
from vision.runtimes.session import PRECISIONS as PRECISIONS
from vision.runtimes.session import RanOn as RanOn
from vision.runtimes.session import Session as Session
