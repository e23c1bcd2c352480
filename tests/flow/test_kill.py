#!/usr/bin/python3
"""kill -9 at every kind of point of the walks on OpenLDAP (kill.py)."""
import sys

from kill import KillTests

sys.exit(KillTests().main())
