package tlsparse

// Alert levels (RFC 5246 §7.2).
const (
	AlertWarning = 1
	AlertFatal   = 2
)

// Alert descriptions that decide something elsewhere; AlertName knows them all.
const (
	AlertCloseNotify            = 0
	AlertHandshakeFailure       = 40
	AlertNoCertificate          = 41
	AlertBadCertificate         = 42
	AlertUnsupportedCertificate = 43
	AlertCertificateRevoked     = 44
	AlertCertificateExpired     = 45
	AlertCertificateUnknown     = 46
	AlertUnknownCA              = 48
	AlertUserCanceled           = 90
	AlertNoRenegotiation        = 100
	AlertUnrecognizedName       = 112
	AlertCertificateRequired    = 116
)

// maxAlerts bounds the alerts that are read from one record.
const maxAlerts = 16

// Alert is one alert. A level that is neither 1 nor 2 is kept as sent.
type Alert struct {
	Level       uint8
	Description uint8
}

// Fatal reports whether the connection ends with it.
func (a Alert) Fatal() bool { return a.Level == AlertFatal }

// ParseAlerts appends the alerts of a plaintext record's payload to dst:
// several may share a record (RFC 5246 §6.2.1). A half one at the end is an
// error, and comes after the whole ones.
func ParseAlerts(payload []byte, dst []Alert) ([]Alert, error) {
	for n := 0; len(payload) >= 2 && n < maxAlerts; n++ {
		dst = append(dst, Alert{Level: payload[0], Description: payload[1]})
		payload = payload[2:]
	}
	if len(payload) > 0 {
		return dst, ErrMalformed
	}
	return dst, nil
}
