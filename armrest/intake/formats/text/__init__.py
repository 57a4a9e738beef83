from armrest.intake.formats.text.csv_table import CsvTable
from armrest.intake.formats.text.fixed_width_table import FixedWidthTable, find_positions
from armrest.intake.formats.text.text_file import TextFile

__all__ = ["CsvTable", "FixedWidthTable", "TextFile", "find_positions"]
