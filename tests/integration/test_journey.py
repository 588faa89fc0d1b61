"""The sample run on a real server: every invoice ends as it should, and the authority holds each once."""

from demo import journey


def test_the_journey_of_the_sample_invoices(stack, capsys):
    assert journey.main(stack) == 0, capsys.readouterr().out
