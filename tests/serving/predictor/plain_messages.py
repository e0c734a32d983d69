"""gRPC requests as other libraries build them: numbers one by one. (Importing kserve would count in this process.)"""

from __future__ import annotations

from typing import Any

from serving.predictor.grpc import messages

PlainInferRequest: Any = messages._class("ModelInferRequest", messages._PLAIN)
