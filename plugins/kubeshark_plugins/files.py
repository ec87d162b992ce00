"""Files that other tools made: where they are, and a copy where the user wants it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from kubeshark_mcp.plugin import Answer, Field, ToolContext, Toolset, tool

Path = Annotated[str, Field(min_length=1, description="as another tool gave it")]


class FilesToolset(Toolset):
    """Exported files."""

    name = "files"

    @tool(title="File URL", read_only=True)
    async def get_file_url(self, context: ToolContext, path: Path) -> Answer:
        """Give the full URL of a file whose path another tool returned."""
        url = await context.hub.file_url(path)
        return Answer(url, {"url": url})

    @tool(title="Download file")
    async def download_file(
        self,
        context: ToolContext,
        path: Path,
        dest: Annotated[str | None, Field(description="file or folder; the current folder by default")] = None,
        overwrite: bool = False,
    ) -> Answer:
        """Copy such a file to this machine: into the current folder, the workspace or a folder that was allowed."""
        destination = context.paths.resolve_destination(dest, file_name(path), overwrite)
        url = await context.hub.file_url(path)
        size = await context.hub.fetch_file(path, destination)
        return Answer(
            f"{destination} ({context.show.size(size)})\nfrom {url}",
            {"url": url, "path": str(destination), "size": size},
        )


def file_name(path: str) -> str:
    """Name a file after its path: `/mcp/snapshots/s1/pcap?nodes=a` becomes `s1.pcap`."""
    place = PurePosixPath(urlsplit(path).path)
    if place.suffix or not place.parent.name:
        return place.name
    return f"{place.parent.name}.{place.name}"
