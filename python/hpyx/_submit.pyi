from collections.abc import Callable
from typing import TypeVar

from typing_extensions import ParamSpec

from ._future import Future

_P = ParamSpec("_P")
_T = TypeVar("_T")

def async_(fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]: ...
def ready_future(value: _T, /) -> Future[_T]: ...
