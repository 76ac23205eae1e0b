"""Instants: integer microseconds since 1970, UTC."""

import datetime
import re

SECOND = 1_000_000
HOUR = 3_600 * SECOND

_EPOCH = datetime.datetime(1970, 1, 1)
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse(text):
    """The instant that `text` names, without an offset in UTC. ValueError where it names none."""
    found = _INSTANT.fullmatch(text)
    if not found:
        raise ValueError(f"no instant: {text!r}")
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    moment = datetime.datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    since = moment - _EPOCH
    micros = (since.days * 86_400 + since.seconds) * SECOND + int(((fraction or "") + "000000")[:6])
    if sign:
        if int(off_hours) > 23 or int(off_minutes) > 59:
            raise ValueError(f"no offset: {text!r}")
        offset = (int(off_hours) * 60 + int(off_minutes)) * 60 * SECOND
        micros -= offset if sign == "+" else -offset
    return micros


def parse_or_date(text):
    """The same, and a bare date is its midnight."""
    return parse(text + " 00:00") if _DATE.fullmatch(text) else parse(text)


def hour_of(instant):
    """The start of its UTC hour."""
    return instant - instant % HOUR
