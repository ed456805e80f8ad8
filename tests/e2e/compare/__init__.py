# Tests that run HAProxy and roleproxy side by side.
