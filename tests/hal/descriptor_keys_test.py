#!/usr/bin/python3
"""Every key that the loaders take is documented, and nothing else is: hal/devices/README.md and hal/machines/README.md
against the sources that read the files."""
import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ.get("MEDIUS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
LOADERS = ("hal/modbus/descriptor.cpp", "hal/modbus/descriptor_behaviour.cpp")
# The reader of a table -> how the table is written in a descriptor.
TABLES = {"device": "[device]", "cyclic": "[cyclic]", "config": "[config]", "window": "[[window]]",
          "register": "[[register]]", "bit": "[[bit]]", "init": "[[init]]", "forbidden": "[[forbidden]]",
          "identity": "[identity]", "sequence": "[sequence]", "heartbeat": "[heartbeat]", "freshness": "[freshness]",
          "enable": "[enable]", "state": "[[state]]", "watchdog": "[watchdog]", "limits": "[limits]"}


def strings(text):
    return re.findall(r'"([^"]*)"', text)


def known_keys(text):
    """table -> keys, from the `only` at the head of each reader."""
    keys = {}
    for name, listed in re.findall(r"void DescriptorLoader::read_(\w+)\([^{]*\{\s*t\.only\(\{(.*?)\}\)", text, re.DOTALL):
        keys[TABLES[name]] = set(strings(listed))
    return keys


def known_choices(text):
    """Every word that a choice of the loader accepts."""
    words = set()
    for listed in re.findall(r"t\.choice\(\s*\"\w+\",\s*\{(.*?)\}\)", text, re.DOTALL):
        words |= set(strings(listed))
    for listed in re.findall(r"kUnits = \{(.*?)\};", text, re.DOTALL):
        words |= set(strings(listed))
    return words


def documented_keys(text):
    """table -> keys, from the tables under "Keys of a descriptor"."""
    chapter = text.split("## Keys of a descriptor", 1)[1]
    keys, table = {}, None
    for line in chapter.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or set(line) <= set("|- "):
            continue
        quoted = re.findall(r"`([^`]+)`", cells[0])
        if quoted and quoted[0].startswith("["):
            table = quoted[0]
            keys.setdefault(table, set())
            # In the table of short tables the keys stand in the second cell, in back quotes.
            if len(cells) == 2:
                keys[table] |= {re.split(r"[ =]", each)[0] for each in re.findall(r"`([^`]+)`", cells[1])
                                if re.match(r"[a-z]\w*( =.*)?$", each)}
                table = None
        elif table is not None and quoted:
            keys[table] |= set(quoted)
    return keys


def differences(known, documented):
    found = []
    for table in sorted(known.keys() | documented.keys()):
        have, told = known.get(table, set()), documented.get(table, set())
        found += [f"{table} {key}: the loader takes it, the README does not say so" for key in sorted(have - told)]
        # A short table's text may name keys of other tables.
        others = set().union(*known.values())
        found += [f"{table} {key}: the README names it, the loader does not know it" for key in sorted(told - have)
                  if key not in others]
    return found


class Descriptors(unittest.TestCase):
    def setUp(self):
        self.loader = "\n".join((SOURCE / path).read_text(encoding="utf-8") for path in LOADERS)
        self.readme = (SOURCE / "hal/devices/README.md").read_text(encoding="utf-8")

    def test_every_table_has_a_reader_that_was_found(self):
        self.assertEqual(set(known_keys(self.loader)), set(TABLES.values()))
        top = re.search(r"top\.only\(\{(.*?)\}\)", self.loader, re.DOTALL)
        self.assertEqual(set(strings(top[1])), set(TABLES), "a table of the loader has no name here")

    def test_every_key_of_a_descriptor_is_documented_and_no_other(self):
        self.assertEqual(differences(known_keys(self.loader), documented_keys(self.readme)), [])

    def test_every_word_that_a_choice_takes_is_documented(self):
        chapter = self.readme.split("## Keys of a descriptor", 1)[1]
        words = set(re.findall(r"[\w/%+.-]+", chapter))
        missing = {word for word in known_choices(self.loader) if word not in words}
        self.assertEqual(missing, set())

    def test_a_key_that_nobody_wrote_down_and_one_that_is_not_there_are_found(self):
        known, documented = known_keys(self.loader), documented_keys(self.readme)
        known["[cyclic]"].add("jitter_us")
        documented["[cyclic]"].add("patience_us")
        self.assertEqual(len(differences(known, documented)), 2)


class Machines(unittest.TestCase):
    def test_every_key_of_a_link_and_a_device_is_documented(self):
        readme = (SOURCE / "hal/machines/README.md").read_text(encoding="utf-8")
        told = set(re.findall(r"`([^`]+)`", readme))
        for path in ("hal/modbus/link_reader.cpp", "hal/modbus/bus_plan.cpp"):
            text = (SOURCE / path).read_text(encoding="utf-8")
            listed = re.findall(r"t\.only\(\{(.*?)\}\)", text, re.DOTALL)
            self.assertEqual(len(listed), 1, path)
            for key in strings(listed[0]):
                cable = re.sub(r"_nm$", "_n", re.sub(r"_radps$", "_mps", re.sub(r"_rad$", "_m", key)))
                self.assertTrue({key, cable} & told, f"{path}: {key} is not in hal/machines/README.md")


if __name__ == "__main__":
    unittest.main(verbosity=2)
