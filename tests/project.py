"""The folder of the project that is tested."""

from gristmill.project import package_folder

PROJECT = package_folder()
