# Days and hours. Which form is used is the region's, not the locale's.

weekday-mon = Mon
weekday-tue = Tue
weekday-wed = Wed
weekday-thu = Thu
weekday-fri = Fri
weekday-sat = Sat
weekday-sun = Sun

month-jan = Jan
month-feb = Feb
month-mar = Mar
month-apr = Apr
month-may = May
month-jun = Jun
month-jul = Jul
month-aug = Aug
month-sep = Sep
month-oct = Oct
month-nov = Nov
month-dec = Dec

date-month-day = { $weekday }, { $month } { $day }
date-day-month = { $weekday } { $day } { $month }
date-and-time = { $day }, { $time }
time-before-noon = { $time } AM
time-after-noon = { $time } PM
time-span = { $from } to { $to }

ago-now = just now
ago-minutes = { $count } min ago
ago-hours = { $count } h ago
ago-days = { $count } d ago
