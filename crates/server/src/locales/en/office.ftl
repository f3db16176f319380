# What staff read in the office.

## Regions

region-us = United States
region-ca = Canada
region-uk = United Kingdom
region-ie = Ireland
region-au = Australia
region-nz = New Zealand
region-other = Elsewhere

## Why a text cannot reach a number

phone-toll-free = A toll-free number cannot get texts.
phone-premium = A premium-rate number cannot get texts.
phone-landline = A landline cannot get texts.
phone-not-mobile = That kind of number cannot get texts.
phone-other-country = Texts go only to numbers of your own country.
