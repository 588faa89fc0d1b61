"""What a page got from the server, for looking for something that must not be there."""

from playwright.sync_api import Page, Response


class Wire:
    """Collects the answers to the calls of a page; read them before the page is left."""

    def __init__(self, page: Page) -> None:
        self._responses: list[Response] = []
        self._read: list[str] = []
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if response.request.resource_type in ("fetch", "xhr"):
            self._responses.append(response)

    def answers(self) -> list[str]:
        """Return the bodies of all answers until now."""
        self._read += [response.text() for response in self._responses]
        self._responses.clear()
        return self._read


def shown(page: Page) -> str:
    """Everything the page holds: its elements, and what stands in its inputs."""
    values = page.evaluate(
        "() => [...document.querySelectorAll('input, textarea, select')].map(item => item.value)"
    )
    return "\n".join([page.content(), *values])
