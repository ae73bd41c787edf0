"""What a question must be to train on or to be tested with, as Great Expectations; suites.py runs them."""

from tasks.validate.suites import FORBIDDEN, SPACES, Check

# Lower case, no article, digits for numbers: the one form that an answer is compared in.
ANSWER = r"\A(?!(?:a|an|the) )[a-z0-9](?:[a-z0-9%/ .-]*[a-z0-9%])?\Z"
# What neither the radar nor the annotation shows, though public question sets ask it.
TOPICS = (
    r"(?i)water ?mark|time ?stamp|\blogo\b|file ?name|\bfile\b|\bcaption|\bcolou?rs?\b|\bshadows?\b|\bclouds?\b|\bphoto"
)


def question_checks(*, modality: str) -> list[Check]:
    """What a question and its answer must be."""
    import great_expectations.expectations as gx

    null, match, no_match = (
        gx.ExpectColumnValuesToBeNull, gx.ExpectColumnValuesToMatchRegex, gx.ExpectColumnValuesToNotMatchRegex,
    )  # fmt: skip
    colours = Check("question_colour", "Radar sees no colour, so nothing is asked of one.", null,
                    {"column": "colours"}, lambda row: f"colour words: {row['colours']}")  # fmt: skip
    return [
        Check("question_record", "The question belongs to a record.", gx.ExpectColumnValuesToBeInSet,
              {"column": "has_record", "value_set": [True]}, lambda row: f"records.parquet has no {row['record_id']}"),
        Check("review_rejected", "No reviewer rejected the question or its answer.", null,
              {"column": "rejected"}, lambda row: row["rejected"]),
        Check("question_characters", "No control, line-separator, invisible or replacement character.", no_match,
              {"column": "question", "regex": FORBIDDEN}, lambda row: ascii(row["question"])),
        Check("question_spaces", "Words are parted by single spaces.", no_match,
              {"column": "question", "regex": SPACES}, lambda row: ascii(row["question"])),
        Check("question_topic", "Nothing is asked of watermarks, files, colours or what the sensor cannot show.",
              no_match, {"column": "question", "regex": TOPICS}, lambda row: row["question"]),
        *([colours] if modality == "sar" else []),
        Check("question_answer", "The answer has its one form: lower case, no article, digits.", match,
              {"column": "answer", "regex": ANSWER}, lambda row: ascii(row["answer"])),
        Check("question_read", "The question reads as one of ours, and is stored as what it says.", null,
              {"column": "misread"}, lambda row: row["misread"]),
        Check("question_claims", "What question and answer assert together agrees with the annotation.", null,
              {"column": "untrue"}, lambda row: row["untrue"]),
        Check("question_twice", "An image is asked everything once.", null,
              {"column": "repeats"}, lambda row: f"asks the same as {row['repeats']}"),
    ]  # fmt: skip
