from armrest.intake.frames.frame_blocks import is_frame
from armrest.intake.frames.frame_file import write_frame

__all__ = ["is_frame", "write_frame"]
