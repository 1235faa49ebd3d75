"""The file that Python runs: the package beside it does the work."""

import sys

from inside.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
