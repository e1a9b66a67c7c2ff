"""Decision records: kept by content, whole or not at all, and never believed when they were changed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from situs.facts import Facts, load
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.store.records import Records
from tests.store.estates import AT, read, write_estate


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


@pytest.fixture(scope="module")
def intent(tmp_path_factory: pytest.TempPathFactory) -> Intent:
    return read(write_estate(tmp_path_factory.mktemp("estate")))


@pytest.fixture(scope="module")
def plan(intent: Intent, facts: Facts) -> Plan:
    return decide(intent, facts, AT, owner="head of IT", reason="first plan").plan


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


Save = Callable[[Plan], Path]


@pytest.fixture
def save(records: Records, intent: Intent, facts: Facts) -> Save:
    return lambda plan: records.save(plan, intent, facts)


def follower(plan: Plan, **changes: object) -> Plan:
    """The same decision made again on top of a plan."""
    return plan.model_copy(update={"parent": plan.id, "reason": "again", **changes}).sealed()


class TestContent:
    def test_the_id_is_the_hash_of_the_content(self, save: Save, plan: Plan) -> None:
        """Computed here from the file alone, without asking the plan."""
        content = json.loads(save(plan).read_bytes())
        identity = content.pop("id")
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert identity == "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def test_the_file_has_all_that_a_decision_record_must_have(self, save: Save, plan: Plan) -> None:
        content = json.loads(save(plan).read_bytes())
        assert content["owner"] == "head of IT"
        assert content["reason"] == "first plan"
        assert content["parent"] is None
        assert content["provenance"]["facts"]["prices"]
        assert content["provenance"]["input_hash"].startswith("sha256:")
        assert content["provenance"]["solver"]
        assert content["provenance"]["situs"]
        assert content["gap"] >= 0
        assert content["bound"]
        assert "expires" in content

    def test_what_is_saved_is_read_back_to_the_byte(self, save: Save, records: Records, plan: Plan) -> None:
        save(plan)
        again = records.load(plan.id)
        assert again == plan
        assert again.canonical() == plan.canonical()

    def test_any_change_of_content_is_another_plan(self, plan: Plan) -> None:
        changes: list[dict[str, object]] = [
            {"parent": plan.id},
            {"owner": "somebody else"},
            {"reason": None},
            {"cost": plan.cost + 1},
            {"gap": plan.gap + 1e-9},
            {"provenance": plan.provenance.model_copy(update={"situs": "0.0.9"})},
        ]
        ids = {plan.model_copy(update=change).sealed().id for change in changes}
        assert len(ids | {plan.id}) == len(changes) + 1

    def test_an_unsealed_plan_is_not_recorded(self, save: Save, records: Records, plan: Plan) -> None:
        for wrong in (plan.model_copy(update={"id": ""}), plan.model_copy(update={"owner": "somebody else"})):
            with pytest.raises(ValueError, match="sealed"):
                save(wrong)
        assert records.latest() is None

    def test_saving_twice_writes_once(self, save: Save, plan: Plan) -> None:
        first = save(plan)
        before = (first.stat().st_mtime_ns, first.stat().st_ino)
        assert save(plan) == first
        assert (first.stat().st_mtime_ns, first.stat().st_ino) == before


class TestFinding:
    def test_the_latest_is_the_one_saved_last_and_children_know_their_parent(
        self, save: Save, records: Records, plan: Plan
    ) -> None:
        assert records.latest() is None
        child = follower(plan)
        save(plan)
        assert records.latest() == plan.id
        save(child)
        assert records.latest() == child.id
        assert records.load("latest").parent == plan.id
        assert {p.id for p in records.all()} == {plan.id, child.id}

    def test_they_are_listed_in_the_order_they_were_made_though_all_are_for_one_instant(
        self, save: Save, records: Records, plan: Plan
    ) -> None:
        made = [plan]
        for number in range(6):
            made.append(follower(made[-1], reason=f"round {number}"))
        for each in reversed(made):
            save(each)
        assert [p.id for p in records.all()] == [p.id for p in made]

    def test_a_plan_whose_parent_is_not_there_is_listed(
        self, save: Save, records: Records, plan: Plan
    ) -> None:
        child = follower(plan)
        save(child)
        assert records.all() == [child]

    def test_a_beginning_is_enough_while_only_one_has_it(
        self, save: Save, records: Records, plan: Plan
    ) -> None:
        save(plan)
        digest = plan.id.removeprefix("sha256:")
        assert records.load(digest[:6]) == plan
        assert records.load(f"sha256:{digest[:6]}") == plan
        with pytest.raises(InputError, match="no plan"):
            records.load(digest[:3])
        save(follower(plan))
        assert records.load(digest[:16]) == plan

    def test_an_ambiguous_beginning_is_refused(self, save: Save, records: Records, plan: Plan) -> None:
        path = save(plan)
        digest = plan.id.removeprefix("sha256:")
        path.with_name(digest[:8] + "0" * 56 + ".json").write_bytes(path.read_bytes())
        with pytest.raises(InputError, match="beginning of 2 plans"):
            records.load(digest[:8])

    def test_a_file_is_found_by_its_path(self, save: Save, plan: Plan, tmp_path: Path) -> None:
        path = save(plan)
        assert Records(tmp_path / "elsewhere").load(str(path)) == plan

    @pytest.mark.parametrize("reference", ["nothing", "../../etc/passwd", "*", "", "sha256:", "deadbeef"])
    def test_what_is_not_there_is_an_error_that_tells_where_to_look(
        self, records: Records, reference: str
    ) -> None:
        with pytest.raises(InputError, match="situs records"):
            records.load(reference)

    def test_without_any_plan_the_way_to_one_is_told(self, records: Records) -> None:
        with pytest.raises(InputError, match="situs plan"):
            records.load("latest")


class TestDamage:
    """A record that is not what was written is never taken for one."""

    @pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -2])
    def test_a_cut_record_is_an_error_with_its_path(
        self, save: Save, records: Records, plan: Plan, keep: float
    ) -> None:
        path = save(plan)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep) if isinstance(keep, float) else keep])
        with pytest.raises(InputError, match="not a readable plan") as caught:
            records.load("latest")
        assert str(path) in str(caught.value)
        assert len(caught.value.problems) == 1
        with pytest.raises(InputError):
            records.all()

    def test_a_changed_figure_is_seen(self, save: Save, records: Records, plan: Plan) -> None:
        path = save(plan)
        text = path.read_text()
        assert f'"cost": "{plan.cost}"' in text
        path.write_text(text.replace(f'"cost": "{plan.cost}"', f'"cost": "{plan.cost - 1}"'))
        with pytest.raises(InputError, match="changed after it was made"):
            records.load("latest")

    def test_any_flipped_byte_is_seen(self, save: Save, records: Records, plan: Plan) -> None:
        """White space between values aside, which means nothing."""
        path = save(plan)
        content = path.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 60)):
            flipped = bytes([*content[:place], content[place] ^ 0x01, *content[place + 1 :]])
            path.write_bytes(flipped)
            try:
                assert records.load("latest") == plan
                assert json.loads(flipped) == json.loads(content)
            except InputError:
                continue

    def test_bytes_that_are_no_text_are_an_error(self, save: Save, records: Records, plan: Plan) -> None:
        save(plan).write_bytes(b"\xff\xfe\x00garbage\x80")
        with pytest.raises(InputError, match="not a readable plan"):
            records.load("latest")

    @pytest.mark.parametrize("note", [b"", b"\n", b"rubbish", b"\xff\xff", b"sha256:12"])
    def test_a_damaged_note_of_the_latest_is_an_error_and_no_parent(
        self, save: Save, records: Records, plan: Plan, note: bytes
    ) -> None:
        save(plan)
        (records.folder / "latest").write_bytes(note)
        with pytest.raises(InputError, match="damaged"):
            records.latest()

    def test_a_changed_estate_is_seen(self, save: Save, records: Records, plan: Plan) -> None:
        save(plan)
        path = next((records.folder / "intents").glob("*.json"))
        path.write_text(path.read_text().replace("100", "101", 1))
        with pytest.raises(InputError, match="estate"):
            records.intent_of(plan)

    def test_a_cut_estate_is_an_error_with_its_path(self, save: Save, records: Records, plan: Plan) -> None:
        save(plan)
        path = next((records.folder / "intents").glob("*.json"))
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(InputError, match="not a readable estate") as caught:
            records.intent_of(plan)
        assert str(path) in str(caught.value)

    def test_a_lost_estate_is_an_error(self, save: Save, records: Records, plan: Plan) -> None:
        save(plan)
        next((records.folder / "intents").glob("*.json")).unlink()
        with pytest.raises(InputError, match="not recorded"):
            records.intent_of(plan)


class TestCrash:
    """Killed before every single thing that saving asks of the system."""

    @pytest.fixture
    def in_memory(self, tmp_path: Path) -> Iterator[Path]:
        """A folder where waiting for the disk takes no time: what is killed loses none of what it has written."""
        memory = Path("/dev/shm")
        if not os.access(memory, os.W_OK):
            yield tmp_path
            return
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            yield Path(folder)

    @pytest.mark.slow
    def test_there_is_the_old_state_or_the_new_one_and_nothing_between(
        self, in_memory: Path, intent: Intent, facts: Facts, plan: Plan
    ) -> None:
        child = follower(plan)
        instants = 0
        while True:
            folder = in_memory / str(instants)
            Records(folder).save(plan, intent, facts)
            finished = self._killed_at(instants, lambda f=folder: Records(f).save(child, intent, facts))
            records = Records(folder)
            latest = records.latest()
            assert latest in (plan.id, child.id)
            assert latest is not None
            recorded = records.all()
            assert plan in recorded
            assert [p for p in recorded if p not in (plan, child)] == []
            assert records.load(latest).id == latest
            assert records.intent_of(records.load(latest)) == intent
            # And it can be said again.
            records.save(child, intent, facts)
            assert records.latest() == child.id
            if finished:
                assert latest == child.id
                break
            instants += 1
        assert instants >= 5

    def test_the_first_plan_is_there_whole_or_not_at_all(
        self, in_memory: Path, intent: Intent, facts: Facts, plan: Plan
    ) -> None:
        instants = 0
        finished = False
        while not finished:
            folder = in_memory / str(instants)
            finished = self._killed_at(instants, lambda f=folder: Records(f).save(plan, intent, facts))
            records = Records(folder)
            assert records.all() in ([], [plan])
            if records.latest() is not None:
                assert records.load("latest") == plan
                assert records.intent_of(plan) == intent
            instants += 1
        assert instants >= 10

    @staticmethod
    def _killed_at(instant: int, act: Callable[[], object]) -> bool:
        """Do it in a process that is killed before the given thing it asks; gives whether it came to the end."""

        def run() -> None:
            seen = 0

            def at(event: str, _: object) -> None:
                nonlocal seen
                if event in ("open", "os.mkdir", "os.rename", "os.remove", "tempfile.mkstemp"):
                    seen += 1
                    if seen > instant:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(at)
            act()

        process = get_context("fork").Process(target=run)
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode == 0
