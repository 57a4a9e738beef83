"""Honest nights and harmful files of invented companies, to measure what the guard rails notice.

Their author has not seen the check of a file against its own past, and must not: see decision 0115. Nothing here
imports it, and anyone who works on it changes nothing here.
"""
