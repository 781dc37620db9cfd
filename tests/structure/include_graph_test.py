"""Who may include whom: the boxes of the architecture and the edges between them."""

import re
import unittest

import tree

# box -> the boxes it may include. The leaf controller/base is open to every box.
ALLOWED = {
    "controller/base": set(),
    "controller/measure": set(),
    "controller/safety": {"hal/image"},
    "controller/diagnosis": {"controller/safety", "hal/image"},
    "controller/rt": {"controller/diagnosis", "controller/measure", "controller/safety", "hal/image", "plugins/abi"},
    "controller/record": {"controller/measure"},
    "controller/station": {"controller/measure", "controller/safety", "controller/rt",
                           "controller/record", "hal/image", "plugins/abi"},
    "controller/access": set(),
    "controller/api": {"controller/access", "controller/station", "controller/record", "controller/rt",
                       "controller/measure", "controller/safety", "hal/image", "proto"},
    "controller/metrics": {"controller/station", "controller/record", "controller/rt", "controller/safety",
                           "hal/image", "hal/modbus"},
    "controller": {"controller/metrics", "controller/api", "controller/access", "controller/station", "controller/record", "controller/rt",
                   "controller/measure", "controller/safety", "hal/image", "hal/modbus", "hal/guard", "proto"},
    "hal/image": set(),
    "hal/guard": set(),
    "hal/modbus": {"hal/image"},
    "hal/check": {"hal/modbus", "hal/image"},
    "hal/commission": {"hal/check", "hal/modbus", "hal/image"},
    "plugins/abi": set(),
    "plugins/sdk": {"plugins/abi"},
    "plugins/check": {"plugins/abi", "controller/station", "controller/rt"},
    "plugins": {"plugins/abi", "plugins/sdk"},  # a profile
    "sim/plant": {"hal/image"},
    "sim/lifter": {"sim/plant", "hal/image"},
    "sim/machine": {"sim/plant", "sim/lifter", "hal/image"},
    "sim/faults": {"sim/plant", "sim/lifter", "sim/machine", "hal/image"},
    "sim/disk": {"controller/record"},
    "sim/checkers": set(),  # judges share no code with what they judge
    "sim/proxy": set(),
    "sim/station": {"sim/machine", "sim/plant", "sim/lifter", "sim/faults", "hal/image", "hal/modbus", "proto"},
    "sim/world": {"sim/machine", "sim/plant", "sim/lifter", "sim/faults", "sim/checkers",
                  "controller/measure", "controller/safety", "controller/rt", "controller/station",
                  "controller/record", "hal/image", "hal/guard", "plugins/abi"},
    "sim/swarm": {"sim/world", "sim/disk", "sim/machine", "sim/plant", "sim/lifter", "sim/faults",
                  "sim/checkers", "controller/station", "controller/record", "controller/rt",
                  "controller/measure", "controller/safety", "hal/image", "hal/guard"},
    "client": {"proto", "controller/access", "controller/record", "sim/world", "sim/checkers", "hal/check",
               "controller/station", "hal/commission"},
}

# Single headers that a box may include beyond that: words and seams, no machinery behind them.
ALLOWED_HEADERS = {
    # The words for phases.
    "controller/safety": {"controller/measure/phase.hpp"},
    # Samples as they come out of the loop, and the words for faults in them.
    "controller/record": {"controller/rt/channels.hpp", "controller/rt/exchange.hpp",
                          "controller/rt/exchange_types.hpp", "controller/safety/faults.hpp",
                          "controller/measure/phase.hpp"},
    # The loop's seams: the lockstep is a tick source, and images cross a triple buffer.
    "hal/modbus": {"controller/rt/exchange.hpp", "controller/rt/tick_source.hpp"},
    # The heartbeat crosses a seqlock, written after each tick by the loop's thread; the guard's own thread is set up
    # as the loop's is.
    "hal/guard": {"controller/rt/exchange.hpp", "controller/rt/host/process_setup.hpp"},
    # Its loop is a thread like the controller's, on the same ticks.
    "hal/commission": {"controller/rt/tick_source.hpp", "controller/rt/host/process_setup.hpp"},
    "controller/rt": {"hal/guard/heartbeat.hpp"},
    # The CiA 402 tables, as the drive's side of them.
    "sim/machine": {"hal/modbus/cia402.hpp", "controller/measure/phase.hpp",
                    "controller/measure/metrics.hpp"},
    "sim/world": {"hal/modbus/cia402.hpp"},
    # The words for faults.
    "sim/faults": {"controller/safety/faults.hpp"},
    # The scenario files that medius-swarm plays in one process.
    "sim/station": {"sim/swarm/scenario.hpp", "sim/swarm/scenario_setup.hpp", "hal/guard/relay_wire.hpp", "controller/measure/phase.hpp",
                    "controller/measure/metrics.hpp"},
    # The words for phases and for a prescribed tempo.
    "sim/lifter": {"controller/measure/phase.hpp", "controller/measure/metrics.hpp"},
}

LEAF = "controller/base"
# Test and bench code may look at everything, but not be looked at.
FREE = {"tests", "bench"}
BOXES = ("controller", "hal", "plugins", "sim")

FOREIGN = re.compile(r"google/protobuf|grpc|\.pb\.h$|modbus|sqlite")
CLOCKS = re.compile(r"^(chrono|ctime|time\.h|sys/time\.h|sys/timerfd\.h|boost/(chrono|date_time)/.*)$")
# The real tick source lives in rt/host, a target of its own.
TIMELESS = ("controller/safety/", "controller/diagnosis/", "controller/measure/", "controller/rt/", "sim/plant/",
            "sim/lifter/", "sim/machine/")
TIMED = ("controller/rt/host/",)
CLEAN = ("controller/safety/", "controller/diagnosis/", "controller/measure/", "controller/rt/")


def box(path):
    parts = path.split("/")
    if path.startswith(("medius/v1/", "medius/sim/v1/")) or parts[0] == "proto":
        return "proto"
    if parts[0] not in BOXES:
        return parts[0]
    if len(parts) == 2:
        return parts[0]
    name = "/".join(parts[:2])
    if parts[0] == "plugins" and name not in ALLOWED:
        return "plugins"
    return name


def violations(root):
    found = []
    for path in tree.cpp_files(root):
        quoted, angled = tree.includes(tree.read(root, path))
        origin = box(path)
        if path.startswith(CLEAN):
            found += [f"{path}: <{h}> has no place in rt, safety and measure"
                      for h in quoted + angled if FOREIGN.search(h)]
        if path.startswith(TIMELESS) and not path.startswith(TIMED):
            found += [f"{path}: <{h}> is a clock" for h in angled if CLOCKS.match(h)]
        if origin in FREE:
            continue
        for header in quoted + [h for h in angled if h.startswith(("medius/v1/", "medius/sim/v1/"))]:
            target = box(header)
            if target in (origin, LEAF):
                continue
            if origin not in ALLOWED:
                found.append(f"{path}: '{origin}' is no box of the architecture; add it to the map")
                break
            if target in ALLOWED[origin] or header in ALLOWED_HEADERS.get(origin, ()):
                continue
            found.append(f"{path}: {origin} may not include {header}")
    return found


def targets(root):
    """name -> what its CMake target links, from every CMakeLists.txt and *.cmake."""
    links = {}
    call = re.compile(r"medius_(?:library|executable|plugin|test)\(\s*(\S+)([^)]*(?:\$<[^>]*>[^)]*)*)\)")
    for path in tree.files(root, ("CMakeLists.txt", ".cmake")):
        text = re.sub(r"#[^\n]*", "", tree.read(root, path))
        for name, arguments in call.findall(text):
            words = re.split(r"\s+", arguments.strip())
            taking = False
            for word in words:
                if word in ("DEPS", "PRIVATE_DEPS"):
                    taking = True
                elif word.isupper() and word.isalpha() or word in ("SOURCES", "LABELS", "TIMEOUT"):
                    taking = False
                elif taking:
                    links.setdefault(name, set()).add(word)
            links.setdefault(name, set())
        for name, arguments in re.findall(r"target_link_libraries\(\s*(\S+)([^)]*)\)", text):
            links.setdefault(name, set()).update(
                w for w in arguments.split() if w not in ("PUBLIC", "PRIVATE", "INTERFACE"))
    return links


def reachable(links, start):
    seen, waiting = set(), [start]
    while waiting:
        for target in links.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


class IncludeGraph(unittest.TestCase):
    maxDiff = None

    def test_every_include_follows_an_edge_of_the_architecture(self):
        self.assertEqual(violations(tree.SOURCE), [])

    def test_the_tree_was_really_read(self):
        self.assertGreater(len(tree.cpp_files(tree.SOURCE)), 50)

    def test_planted_edges_are_found(self):
        for path, include in {
                "controller/base/a.hpp": '"controller/rt/engine.hpp"',
                "controller/safety/a.cpp": '"controller/rt/exchange.hpp"',
                "controller/safety/b.cpp": '"controller/measure/tracker.hpp"',
                "controller/safety/c.cpp": "<chrono>",
                "controller/safety/d.cpp": "<modbus/modbus.h>",
                "controller/measure/a.cpp": "<ctime>",
                "controller/measure/b.hpp": "<sqlite3.h>",
                "controller/rt/a.cpp": '"controller/station/station.hpp"',
                "controller/rt/b.cpp": "<chrono>",
                "controller/rt/c.cpp": "<google/protobuf/message.h>",
                "controller/record/a.cpp": '"controller/rt/engine.hpp"',
                "controller/station/a.cpp": '"controller/api/server.hpp"',
                "controller/station/b.cpp": '"medius/v1/station.pb.h"',
                "controller/station/c.cpp": "<medius/v1/station.pb.h>",
                "hal/image/a.hpp": '"hal/modbus/link.hpp"',
                "hal/modbus/a.cpp": '"controller/station/station.hpp"',
                "sim/plant/a.cpp": '"controller/rt/engine.hpp"',
                "sim/plant/b.cpp": "<chrono>",
                "sim/checkers/a.cpp": '"controller/measure/tracker.hpp"',
                "plugins/new_law/a.cpp": '"controller/rt/engine.hpp"',
                "hal/guard/a.cpp": '"controller/rt/engine.hpp"',
                "controller/rt/d.cpp": '"hal/guard/guard.hpp"',
                "controller/main.cpp": '"sim/world/world.hpp"',
                "client/a.cpp": '"controller/api/server.hpp"',
                "gadgets/a.cpp": '"controller/rt/engine.hpp"'}.items():
            with tree.Planted({path: f"#include {include}\n"}) as root:
                self.assertEqual(len(violations(root)), 1, path)

    def test_drawn_edges_are_not(self):
        with tree.Planted({
                "controller/rt/a.cpp": '#include "controller/safety/kernel.hpp"\n',
                "controller/rt/host/a.cpp": "#include <ctime>\n",
                "controller/safety/a.hpp": '#include "controller/measure/phase.hpp"\n',
                "controller/main.cpp": '#include "controller/api/server.hpp"\n',
                "plugins/new_law/a.cpp": '#include "plugins/sdk/profile.hpp"\n',
                "sim/world/a.cpp": '#include "controller/rt/engine.hpp"\n// #include "x"\n',
                "tests/a/a.cpp": '#include "controller/api/server.hpp"\n'}) as root:
            self.assertEqual(violations(root), [])


class Links(unittest.TestCase):
    maxDiff = None

    def test_the_daemon_never_links_the_simulator(self):
        links = targets(tree.SOURCE)
        self.assertIn("mediusd", links)
        linked = reachable(links, "mediusd")
        self.assertIn("medius_rt", linked)
        self.assertEqual([t for t in linked if t.startswith("medius_sim")], [])

    def test_a_planted_link_is_found_through_other_targets(self):
        with tree.Planted({
                "controller/CMakeLists.txt":
                    "medius_executable(mediusd SOURCES main.cpp DEPS medius_api)\n",
                "controller/api/CMakeLists.txt":
                    "medius_library(medius_api SOURCES a.cpp DEPS medius_station\n"
                    "  PRIVATE_DEPS # why\n medius_sim_plant)\n"}) as root:
            self.assertIn("medius_sim_plant", reachable(targets(root), "mediusd"))


if __name__ == "__main__":
    unittest.main()
