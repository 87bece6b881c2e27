// One app as one exporter sees it.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local alert = (import '../lib/alert.libsonnet')(config);
  [
    alert(
      'AppDown',
      'critical',
      'An app of Tencent Chat cannot be read.',
      'No call of app {{ $labels.sdkappid }} has succeeded on {{ $labels.instance }}: it cannot sign, is refused, or reaches nobody.',
      '%s == 0' % q.metric('tencentchat_app_up'),
      600
    ),
    // Renewed at half of a life of at least an hour: so little left means that renewing has failed again and again.
    alert(
      'SignatureExpiring',
      'critical',
      'The signature of an app is about to end and is not renewed.',
      'The UserSig of app {{ $labels.sdkappid }} on {{ $labels.instance }} ends in {{ $value | humanizeDuration }}; then every call is refused.',
      '%s - time() < %s' % [q.metric('tencentchat_usersig_expiry_timestamp_seconds'), q.seconds(config.signatureLeft)],
      300
    ),
    alert(
      'SchedulerStuck',
      'critical',
      'An exporter answers scrapes but has stopped polling.',
      'Polls of app {{ $labels.sdkappid }} are due on {{ $labels.instance }}, and none was started or finished for {{ $value | humanizeDuration }}.',
      '%s > %s' % [q.age('tencentchat_scheduler_heartbeat_timestamp_seconds'), q.seconds(config.heartbeatAge)],
      120
    ),
    alert(
      'ClockSkew',
      'warning',
      'The clock of an exporter and that of Tencent Chat differ.',
      'The clocks of {{ $labels.instance }} and of the service differ by {{ $value }} s (app {{ $labels.sdkappid }}): ages are wrong by it, and signatures may be refused.',
      'abs(%s) > %g' % [q.metric('tencentchat_api_clock_skew_seconds'), config.clockSkew],
      900
    ),
  ]
