"""The C interface: identity, sizes, settings, and a status for every misuse."""

import ctypes
import re

import pytest
from generated import pointer

from reference.params import DELAY, HOP
from reference.suppressor import RANGES, Options

OK, ERR_NULL, ERR_RANGE, ERR_ALIGN, ERR_SIZE = 0, -1, -2, -3, -4


@pytest.fixture
def instance(library):
    return library.instance()


def macros(library) -> dict[str, str]:
    header = (library.gen / "percepnet.h").read_text()
    return dict(re.findall(r"#define PERCEPNET_(\w+) \(?(\S+?)\)?(?: .*)?$", header, re.MULTILINE))


def test_compile_time_and_run_time_agree(library):
    c, stated = library.c, macros(library)
    c.percepnet_version.restype = c.percepnet_model_id.restype = ctypes.c_char_p
    assert stated["VERSION"] == f'"{c.percepnet_version().decode()}"'
    assert stated["MODEL_ID"] == f'"{c.percepnet_model_id().decode()}"'
    assert c.percepnet_delay_samples() == DELAY == int(stated["DELAY"])
    assert c.percepnet_feed_delay_samples() == DELAY + HOP == int(stated["FEED_DELAY"])
    assert c.percepnet_state_bytes() <= int(stated["STATE_BYTES"])
    codes = [int(stated[name]) for name in ("OK", "ERR_NULL", "ERR_RANGE", "ERR_ALIGN", "ERR_SIZE")]
    assert codes == [OK, ERR_NULL, ERR_RANGE, ERR_ALIGN, ERR_SIZE]


def test_memory_that_does_not_do(library, instance):
    c, size, start = library.c, library.c.percepnet_state_bytes(), instance.pointer.value
    before = instance.state.copy()
    for address, count, status in (
        (None, size, ERR_NULL),
        (start, size - 1, ERR_SIZE),
        (start, 0, ERR_SIZE),
        *((start + offset, size, ERR_ALIGN) for offset in (1, 2, 4, 8)),
    ):
        memory = ctypes.c_void_p(address), ctypes.c_size_t(count)
        assert c.percepnet_check_memory(*memory) == status
        assert c.percepnet_init(*memory) is None
    assert (instance.state == before).all()
    memory = instance.pointer, ctypes.c_size_t(size)
    assert c.percepnet_check_memory(*memory) == OK and c.percepnet_init(*memory) == start


def test_null_and_bad_counts(library, instance):
    c, st = library.c, instance.pointer
    hop = pointer(instance.state)  # any memory: nothing may be read or written
    before = instance.state.copy()
    for arguments in ((None, hop, hop), (st, None, hop), (st, hop, None)):
        assert c.percepnet_process(*arguments) == ERR_NULL
        assert c.percepnet_feed(*arguments, 480) == ERR_NULL
    assert c.percepnet_feed(st, hop, hop, -1) == ERR_RANGE
    assert c.percepnet_feed(st, hop, hop, -(2**31)) == ERR_RANGE
    assert c.percepnet_feed(st, hop, hop, 0) == 0
    assert c.percepnet_reset(None) == ERR_NULL
    assert (instance.state == before).all()


def test_every_option_is_a_setting():
    assert set(vars(Options())) == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_settings(library, instance, name):
    """Default, both ends, one beyond either, NULL; a refused value changes nothing."""
    low, high = RANGES[name]
    setter = getattr(library.c, f"percepnet_set_{name}")
    getter = getattr(library.c, f"percepnet_{name}")
    assert getter(instance.pointer) == int(getattr(Options(), name))
    for value in (low, high):
        assert setter(instance.pointer, value) == OK and getter(instance.pointer) == value
        for beyond in (low - 1, high + 1, -(2**31), 2**31 - 1):
            assert setter(instance.pointer, beyond) == ERR_RANGE
            assert setter(None, value) == ERR_NULL and getter(None) == ERR_NULL
            assert getter(instance.pointer) == value
        assert library.c.percepnet_reset(instance.pointer) == OK
        assert getter(instance.pointer) == value, "a reset keeps the settings"


@pytest.mark.parametrize("name", RANGES)
def test_options_have_the_same_ranges(name):
    for value in (RANGES[name][0] - 1, RANGES[name][1] + 1):
        with pytest.raises(ValueError, match=f"{name} {value} found"):
            Options(**{name: value})
