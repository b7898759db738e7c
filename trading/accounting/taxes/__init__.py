"""What a tax year is made of: events in, disposals and income out. Pure, and Decimal throughout.

`events` what happened · `pairing` which of it belongs together · `valuation` what it was worth · `lots` which purchase a sale uses up ·
`engine` the whole history · `year` the rows and sums of one year · `formats` the files · `readers` history from elsewhere.

The rules followed are those of the United States where a rule is needed: they are named, with their source, beside the code.
"""
