"""Runs under mishap: functions break or freeze, connections, stacks and results are lost, inputs are made by hand."""
