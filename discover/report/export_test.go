package report

import "blindspot/discover"

// For the tests in report_test, which import what the package may not.

// BusyReport is a report with a missing check of each sort.
func BusyReport() *Report { return busyReport() }

// ShopInventory is traffic of a small shop.
func ShopInventory() *discover.Inventory { return shop().inventory() }

// InfestedReport has a stranger's text in every place.
func InfestedReport(s string) *Report { return infested(s) }

// Hostile are texts of strangers.
var Hostile = hostile
