"""What everything else stands on."""

import os

# ONNX Runtime's packages send usage events to their maker (its Privacy.md), unless this is set before it is first loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
