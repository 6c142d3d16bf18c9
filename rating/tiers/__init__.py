"""Volume bands: which message of a portfolio's month lies in which, whatever the order of arrival."""
