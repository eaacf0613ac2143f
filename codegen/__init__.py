"""From the float reference to integers: formats, tables, integer twins and C99."""
