from armrest.planning.file_profile.file_past import FilePast
from armrest.planning.file_profile.profile import Counts

__all__ = ["Counts", "FilePast"]
