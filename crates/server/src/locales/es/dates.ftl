# Days and hours. Which form is used is the region's, not the locale's.

weekday-mon = lun
weekday-tue = mar
weekday-wed = mié
weekday-thu = jue
weekday-fri = vie
weekday-sat = sáb
weekday-sun = dom

month-jan = ene
month-feb = feb
month-mar = mar
month-apr = abr
month-may = may
month-jun = jun
month-jul = jul
month-aug = ago
month-sep = sep
month-oct = oct
month-nov = nov
month-dec = dic

date-month-day = { $weekday } { $day } de { $month }
date-day-month = { $weekday } { $day } de { $month }
date-and-time = { $day }, { $time }
time-before-noon = { $time } a. m.
time-after-noon = { $time } p. m.
time-span = { $from } a { $to }

ago-now = ahora mismo
ago-minutes = hace { $count } min
ago-hours = hace { $count } h
ago-days = hace { $count } d
