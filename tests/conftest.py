"""The settings of whoever runs the tests are not theirs."""

import os

for name in [name for name in os.environ if name.startswith("REDOX_WAREHOUSE_")]:
    del os.environ[name]
