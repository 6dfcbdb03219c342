"""dialogue_quality: planted faults of conversations, instructions, preferences and pairs, and clean ones."""

import json

import pytest

import curate
from curate.checks.dialogue_quality import DialogueQuality
from curate.evidence.evidence import Evidence

N = 40
ASKED = [f"how do I get to the place called number {k} from here" for k in range(N)]
TOLD = [f"take the train that leaves at {k} and walk up the hill" for k in range(N)]
OTHER = [f"nobody has ever heard of a place that is called {k}" for k in range(N)]


def user(k):
    return {"role": "user", "content": ASKED[k]}


def assistant(k, **more):
    return {"role": "assistant", "content": TOLD[k], **more}


def found(columns, **settings):
    evidence = Evidence(curate.load(columns))
    lines = DialogueQuality(**settings).find(evidence).flagged.to_pylist()
    return {(line["row"], line["issue"]) for line in lines}, {line["issue"]: line["reason"] for line in lines}


def talks(planted):
    return {"messages": [planted.get(k, [user(k), assistant(k)]) for k in range(N)]}


@pytest.mark.parametrize(
    ("turns", "issue", "reason"),
    [
        ([user(1)], "no_answer", "no turn is of the assistant"),
        ([user(1), assistant(1), user(2)], "no_answer", "the last of 3 turns is of 'user'"),
        ([], "no_answer", "'messages' has no turn"),
        ([user(1), {"role": "assistant", "content": " "}], "empty_turn", "turn 2 of 2 is empty"),
        ([user(1), {"role": "usr", "content": "and?"}, assistant(1)], "strange_role", "turn 2 is of 'usr'"),
        ([user(1), user(2), assistant(1)], "role_order", "turns 1 and 2 are both of the user"),
        ([assistant(1), user(1), assistant(2)], "role_order", "nobody has asked"),
    ],
)
def test_faults_of_a_conversation_are_found(turns, issue, reason):
    rows, reasons = found(talks({7: turns}))
    assert rows == {(7, issue)}
    assert reason in reasons[issue]


def test_calls_of_tools_and_system_prompts_are_no_fault():
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "trains"}]}
    tool = {"role": "tool", "content": "at 9"}
    system = {"role": "system", "content": "You are a guide."}
    assert (
        found(talks({3: [system, user(3), call, tool, assistant(3)], 4: [system, user(4), assistant(4)]}))[0] == set()
    )


def test_conversations_that_are_written_as_json_are_judged_alike():
    planted = {3: [user(3)], 5: [user(5), {"role": "assistant", "content": None, "tool_calls": [{"name": "a"}]}], 8: []}
    rows, reasons = found({"messages": [json.dumps(turns) for turns in talks(planted)["messages"]]})
    assert rows == {(3, "no_answer"), (8, "no_answer")}
    assert "'messages' has no turn" in reasons["no_answer"]


def test_names_of_speakers_that_go_round_are_known():
    turns = [[{"from": "human", "value": ASKED[k]}, {"from": "gpt", "value": TOLD[k]}] for k in range(N)]
    assert found({"conversations": turns})[0] == set()


def test_a_way_of_the_whole_set_is_no_fault():
    assert found({"messages": [[user(k)] for k in range(N)]})[0] == set()
    assert found({"messages": [[user(k)] for k in range(N)]}, max_rare_share=1)[0] == set()


def test_how_many_rows_make_a_way_of_the_set():
    half = talks({k: [user(k)] for k in range(N // 2)})
    assert found(half)[0] == set()
    assert found(half, max_rare_share=0.6)[0] == {(k, "no_answer") for k in range(N // 2)}


def test_how_many_turns_make_a_role_known():
    few = talks({k: [user(k), {"role": "judge", "content": "so be it"}, assistant(k)] for k in range(4)})
    assert found(few)[0] == set()  # 4 of 84 turns
    assert found(few, max_strange_share=0.1)[0] == {(k, "strange_role") for k in range(4)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"output": None}, {(5, "no_answer")}),
        ({"output": "  "}, {(5, "no_answer")}),
        ({"instruction": None}, {(5, "no_question")}),
        ({"output": ASKED[5]}, {(5, "same_texts")}),
    ],
)
def test_faults_of_instructions_are_found(change, expected):
    columns = {"instruction": list(ASKED), "input": [None] * N, "output": list(TOLD)}
    for name, value in change.items():
        columns[name][5] = value
    assert found(columns)[0] == expected


def test_faults_of_preferences_are_found():
    chosen, rejected, prompt = list(TOLD), list(OTHER), list(ASKED)
    rejected[2] = chosen[2]
    prompt[9], chosen[9], rejected[9] = prompt[8], rejected[8], chosen[8]
    columns = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    assert found(columns)[0] == {(2, "same_texts"), (8, "opposite_preference"), (9, "opposite_preference")}


def test_equal_texts_are_a_fault_of_translations_and_none_of_compared_pairs():
    same = [TOLD[0] if k == 4 else other for k, other in enumerate(OTHER)]
    first = [TOLD[0] if k == 4 else text for k, text in enumerate(TOLD)]
    assert found({"source": first, "target": same})[0] == {(4, "same_texts")}
    assert found({"translation": [{"en": a, "de": b} for a, b in zip(first, same)]})[0] == {(4, "same_texts")}
    assert found({"sentence1": first, "sentence2": same})[0] == set()


def test_questions_without_an_answer_are_none_where_answers_are_lists():
    answers = [{"text": [TOLD[k]] if k % 8 else [], "answer_start": [0] if k % 8 else []} for k in range(N)]
    assert found({"context": OTHER, "question": ASKED, "answers": answers})[0] == set()


def test_a_text_of_its_own_is_refused():
    assert "a column of its own" in (DialogueQuality().refuses(curate.Task(text="text")) or "")
