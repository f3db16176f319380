# What staff read in the office.

## Regions

region-us = Estados Unidos
region-ca = Canadá
region-uk = Reino Unido
region-ie = Irlanda
region-au = Australia
region-nz = Nueva Zelanda
region-other = Otro lugar

## Why a text cannot reach a number

phone-toll-free = Un número gratuito no puede recibir mensajes de texto.
phone-premium = Un número de tarifa especial no puede recibir mensajes de texto.
phone-landline = Un teléfono fijo no puede recibir mensajes de texto.
phone-not-mobile = Ese tipo de número no puede recibir mensajes de texto.
phone-other-country = Los mensajes de texto solo van a números de su propio país.
