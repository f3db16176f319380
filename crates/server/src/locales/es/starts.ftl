# Ready-made starts: words a new scheduler is filled with. After set-up they belong to the business.
