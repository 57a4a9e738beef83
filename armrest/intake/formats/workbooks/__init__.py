from armrest.intake.formats.workbooks.excel_table import ExcelTable

__all__ = ["ExcelTable"]
