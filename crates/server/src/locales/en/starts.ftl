# Ready-made starts: what a new scheduler is filled with. Services and questions belong to the business
# after set-up. $region is us, ca, uk, ie, au, nz or other.

## Names of the starts

start-heating-cooling = Residential service: heating and cooling
start-plumbing = Residential service: plumbing
start-plumbing-heating-cooling = Residential service: plumbing, heating and cooling
start-electrical = Residential service: electrical
start-commercial-service = Commercial service
start-residential-construction = Residential construction
start-commercial-construction = Commercial construction

## Words over the first page, at the end, and in the follow-up text

start-booking-headline = Book a visit
start-booking-thanks = Thank you. We'll come within this arrival window.
start-booking-text = { $business }: Hi { $name }, finish your booking ({ $service }): { $link } Reply STOP to opt out

start-service-headline = Request service
start-service-thanks = Thank you. Our service team has your request and will come within this arrival window.
start-service-text = { $business }: Hi { $name }, finish your request ({ $service }): { $link } Reply STOP to opt out

start-estimate-headline = { $region ->
    [us] Request an estimate
    [ca] Request an estimate
   *[other] Request a quote
}
start-estimate-thanks = { $region ->
    [us] Thank you. We'll come to look at the project and then write your estimate.
    [ca] Thank you. We'll come to look at the project and then write your estimate.
   *[other] Thank you. We'll come to look at the project and then write your quote.
}
start-estimate-text = { $region ->
    [us] { $business }: Hi { $name }, finish your estimate request ({ $service }): { $link } Reply STOP to opt out
    [ca] { $business }: Hi { $name }, finish your estimate request ({ $service }): { $link } Reply STOP to opt out
   *[other] { $business }: Hi { $name }, finish your quote request ({ $service }): { $link } Reply STOP to opt out
}

start-site-visit-headline = Request a site visit
start-site-visit-thanks = Thank you. We'll meet you on site within this arrival window.
start-site-visit-text = { $business }: Hi { $name }, book your site visit ({ $service }): { $link } Reply STOP to opt out

## Consent: the words beside the box

consent-wording = { $business } sends one text with a link to this request. Message and data rates may apply. Reply STOP to opt out, HELP for help. You can book without it.

## Services: heating and cooling

service-cooling-repair = Air conditioning repair
service-cooling-repair-help = Not cooling, leaking, noisy or not starting
service-heating-repair = { $region ->
    [uk] Boiler or heating repair
    [ie] Boiler or heating repair
    [us] Furnace or heating repair
    [ca] Furnace or heating repair
   *[other] Heating repair
}
service-heating-repair-help = Not heating, noisy, or switching itself off
service-no-heating-or-cooling = No heating or cooling
service-no-heating-or-cooling-help = Nothing works and it cannot wait
service-heating-cooling-tune-up = { $region ->
    [uk] Boiler service or check-up
    [ie] Boiler service or check-up
   *[other] Tune-up or maintenance
}
service-heating-cooling-tune-up-help = A check and a clean before the season
service-heating-cooling-replacement = { $region ->
    [uk] New boiler or system
    [ie] New boiler or system
   *[other] New system or replacement
}
service-heating-cooling-replacement-help = A visit to measure and advise, then a price in writing
service-thermostat = Thermostat
service-thermostat-help = Repair, replacement or a new smart one
service-something-else = Something else
service-something-else-help = Tell us in the notes

## Services: plumbing

service-leak = { $region ->
    [us] Leak or dripping faucet
    [ca] Leak or dripping faucet
   *[other] Leak or dripping tap
}
service-leak-help = Under a sink, behind a wall, at a valve
service-drain = { $region ->
    [us] Clogged drain or sewer
    [ca] Clogged drain or sewer
   *[other] Blocked drain or sewer
}
service-drain-help = Slow, blocked or backing up
service-burst-pipe = Burst pipe or flooding
service-burst-pipe-help = Water is running and cannot be stopped
service-toilet = Toilet repair
service-toilet-help = Running, blocked, loose or leaking
service-water-heater-repair = { $region ->
    [us] Water heater repair
    [ca] Water heater repair
   *[other] Hot water repair
}
service-water-heater-repair-help = No hot water, not enough, or a leak
service-water-heater-replacement = { $region ->
    [us] New water heater
    [ca] New water heater
   *[other] New hot water system
}
service-water-heater-replacement-help = With a tank or without
service-plumbing-fixture = { $region ->
    [us] Faucet, sink or shower
    [ca] Faucet, sink or shower
   *[other] Tap, sink or shower
}
service-plumbing-fixture-help = Fit a new one or move an old one

## Services: electrical

service-outlet-or-switch = { $region ->
    [us] Outlet or switch
    [ca] Outlet or switch
    [au] Power point or switch
    [nz] Power point or switch
   *[other] Socket or switch
}
service-outlet-or-switch-help = Not working, warm, or a new one
service-lighting = Lighting
service-lighting-help = Repair or new lights, inside or out
service-power-out = Power out or sparks
service-power-out-help = Part or all of the home is dark, or something smells burnt
service-panel = { $region ->
    [us] Electrical panel
    [ca] Electrical panel
    [uk] Consumer unit
    [ie] Fuse board
   *[other] Switchboard
}
service-panel-help = Breakers that trip, repair or an upgrade
service-car-charger = Electric car charger
service-car-charger-help = A charger at home
service-safety-inspection = Safety inspection
service-safety-inspection-help = Before a sale, after a purchase, or for peace of mind

## Services: commercial service

service-commercial-heating-cooling = Heating or cooling
service-commercial-heating-cooling-help = Rooftop units, split systems, boilers and chillers
service-commercial-plumbing = Plumbing
service-commercial-plumbing-help = Leaks, drains, hot water, fixtures
service-commercial-electrical = Electrical
service-commercial-electrical-help = Power, lighting, panels and controls
service-commercial-refrigeration = Refrigeration
service-commercial-refrigeration-help = Walk-ins, display cases, ice machines
service-commercial-urgent = Urgent: business stopped
service-commercial-urgent-help = Tenants or customers cannot stay
service-commercial-maintenance = Planned maintenance
service-commercial-maintenance-help = One visit or a yearly plan
service-commercial-replacement = Replacement or retrofit
service-commercial-replacement-help = A survey, then a proposal in writing

## Services: residential construction

service-kitchen = { $region ->
    [us] Kitchen remodel
   *[other] Kitchen renovation
}
service-kitchen-help = New layout, cabinets, surfaces
service-bathroom = { $region ->
    [us] Bathroom remodel
   *[other] Bathroom renovation
}
service-bathroom-help = New bath or shower, tiles, better access
service-extension = { $region ->
    [us] Home addition
    [ca] Home addition
   *[other] Extension or conversion
}
service-extension-help = More rooms, a floor more, a garage turned into a room
service-new-home = New home
service-new-home-help = On your land or to your plans
service-roof = Roof
service-roof-help = Repair, replacement, gutters
service-windows-and-doors = Windows and doors
service-windows-and-doors-help = Replacement or new openings
service-outdoor-living = { $region ->
    [us] Deck, patio or porch
    [ca] Deck, patio or porch
   *[other] Deck, patio or garden room
}
service-outdoor-living-help = Built new or repaired

## Services: commercial construction

service-fit-out = { $region ->
    [us] Tenant improvement
    [ca] Tenant improvement
   *[other] Fit-out
}
service-fit-out-help = Offices, shops, restaurants, clinics
service-commercial-renovation = Renovation
service-commercial-renovation-help = While you stay open, or empty
service-new-building = New building
service-new-building-help = From the ground up
service-building-services = Mechanical and electrical
service-building-services-help = Heating, cooling, plumbing, power
service-design-build = Design and build
service-design-build-help = One team from the drawing to the keys
service-invitation-to-bid = { $region ->
    [us] Invitation to bid
    [ca] Invitation to bid
   *[other] Invitation to tender
}
service-invitation-to-bid-help = Walk the site with us before the date

## Questions

question-system-age = How old is the system?
choice-system-age-under-5 = Under 5 years
choice-system-age-5-to-10 = 5 to 10 years
choice-system-age-10-to-15 = 10 to 15 years
choice-system-age-over-15 = Over 15 years
choice-system-age-not-sure = Not sure

question-water-off = Can you turn the water off?

question-home-age = How old is the home?
choice-home-age-under-20 = Under 20 years
choice-home-age-20-to-50 = 20 to 50 years
choice-home-age-over-50 = Over 50 years
choice-home-age-not-sure = Not sure

question-company = Company
question-site-contact = Site contact
question-po-number = PO number
question-site-access = Access hours and check-in

question-project = What would you like to have built?
question-begin = When would you like to begin?
choice-begin-soon = As soon as possible
choice-begin-within-3-months = Within 3 months
choice-begin-within-6-months = Within 6 months
choice-begin-later = Later
choice-begin-not-sure = Not sure
question-plans = Do you have plans or drawings?

question-area = { $region ->
    [us] Area in square feet
    [ca] Area in square feet
   *[other] Area in square metres
}
question-bid-due = { $region ->
    [us] Bid due date
    [ca] Bid due date
   *[other] Tender due date
}
