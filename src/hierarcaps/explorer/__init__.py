"""The explorer: one static page that shows what every run retrieves for every test image.

``results/explorer/index.html`` opens from disk and from any static server. It holds no data: it
loads captions, pictures and runs when they are needed, each from a script file beside it, because
browsers let a page opened from disk load scripts but no other files. The set of files depends on
the number of runs alone (:func:`explorer_files`), so that a workflow can declare all of them.
"""

from hierarcaps.explorer.export import explorer_files, export_explorer
from hierarcaps.explorer.pictures import data_uri

__all__ = ["data_uri", "explorer_files", "export_explorer"]
