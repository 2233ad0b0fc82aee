"""A tiny reader of ELF files: just what the packaging tests ask of a shared library.

Reads 64-bit little-endian files (every Linux platform that gets a wheel). Layouts: the System V
ABI, chapters "Object Files" and "Dynamic Linking", and the LSB's "Symbol Versioning".
Errors: AssertionError when the file is of another kind.
"""

import collections
import struct

Section = collections.namedtuple(
    "Section", "name type flags address offset size link info align entry_size"
)
Symbol = collections.namedtuple("Symbol", "name defined")

_DYNSYM, _VERNEED, _DYNAMIC = 11, 0x6FFFFFFE, 6
_NEEDED = 1


class Elf:
    def __init__(self, path):
        with open(path, "rb") as stream:
            self._data = stream.read()
        assert self._data[:6] == b"\x7fELF\x02\x01", "not a 64-bit little-endian ELF file"
        (table,) = struct.unpack_from("<Q", self._data, 40)
        entry_size, count = struct.unpack_from("<HH", self._data, 58)
        self._sections = [
            Section(*struct.unpack_from("<IIQQQQIIQQ", self._data, table + index * entry_size))
            for index in range(count)
        ]

    def _of_type(self, kind):
        return [section for section in self._sections if section.type == kind]

    def _string(self, section, offset):
        start = section.offset + offset
        return self._data[start : self._data.index(b"\0", start)].decode()

    def symbols(self):
        """Return the dynamic symbols, each with its name and whether this file defines it."""
        found = []
        for section in self._of_type(_DYNSYM):
            strings = self._sections[section.link]
            for offset in range(section.offset, section.offset + section.size, 24):
                name, _info, _other, index = struct.unpack_from("<IBBH", self._data, offset)
                if name:
                    found.append(Symbol(self._string(strings, name), index != 0))
        return found

    def needed(self):
        """Return the names of the libraries that the loader has to bring in."""
        found = []
        for section in self._of_type(_DYNAMIC):
            strings = self._sections[section.link]
            for offset in range(section.offset, section.offset + section.size, 16):
                tag, value = struct.unpack_from("<QQ", self._data, offset)
                if tag == _NEEDED:
                    found.append(self._string(strings, value))
        return found

    def versions(self):
        """Return the symbol versions asked of other libraries, such as GLIBC_2.17."""
        found = set()
        for section in self._of_type(_VERNEED):
            strings = self._sections[section.link]
            offset = section.offset
            for _ in range(section.info):
                _version, count, _file, auxiliary, following = struct.unpack_from(
                    "<HHIII", self._data, offset
                )
                place = offset + auxiliary
                for _ in range(count):
                    _hash, _flags, _other, name, step = struct.unpack_from(
                        "<IHHII", self._data, place
                    )
                    found.add(self._string(strings, name))
                    place += step
                offset += following
        return found
