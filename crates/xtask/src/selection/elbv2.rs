//! Elastic Load Balancing: load balancers, target groups and listeners.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "elbv2",
    hand_written: &[],
    structs: structs! {
        /// A stable address in front of tasks.
        ///
        /// `Ref` returns the ARN. `Fn::GetAtt` supports `DNSName`, `CanonicalHostedZoneID`, `LoadBalancerArn`,
        /// `LoadBalancerFullName`, `LoadBalancerName` and `SecurityGroups`.
        LoadBalancer = "AWS::ElasticLoadBalancingV2::LoadBalancer" {
            /// The name: at most 32 letters, digits and hyphens, none at either end, and not beginning with `internal-`.
            /// Default, decided by CloudFormation: stack name, logical id and a random part, cut short.
            Name,
            /// The type. Default, decided by Elastic Load Balancing: `application`.
            Type,
            /// Whether it has public addresses. Default, decided by Elastic Load Balancing: `internet-facing`.
            Scheme,
            /// The families of its addresses: `ipv4`, `dualstack` or, with IPv6 clients alone,
            /// `dualstack-without-public-ipv4`. Default, decided by Elastic Load Balancing: `ipv4`.
            IpAddressType,
            /// Subnet ids, of one availability zone each.
            Subnets,
            /// Security group ids. A network load balancer created without any cannot get one later.
            SecurityGroups,
            /// Settings by name, such as `load_balancing.cross_zone.enabled`.
            LoadBalancerAttributes,
        }

        /// A setting of a load balancer or a target group.
        Attribute = "AWS::ElasticLoadBalancingV2::LoadBalancer.LoadBalancerAttribute"
            | "AWS::ElasticLoadBalancingV2::TargetGroup.TargetGroupAttribute" {
            // Elastic Load Balancing rejects an attribute without a name or a value.
            /// Its name.
            Key.required,
            /// Its value.
            Value.required,
        }

        /// Targets of requests, and their health checks.
        ///
        /// `Ref` returns the ARN. `Fn::GetAtt` supports `LoadBalancerArns`, `TargetGroupArn`, `TargetGroupFullName` and
        /// `TargetGroupName`.
        TargetGroup = "AWS::ElasticLoadBalancingV2::TargetGroup" {
            /// The name: at most 32 letters, digits and hyphens, none at either end. Default, decided by CloudFormation:
            /// stack name, logical id and a random part, cut short.
            Name,
            /// The VPC's id.
            VpcId,
            /// The type of targets. Tasks in `awsvpc` mode are `ip`. Default, decided by Elastic Load Balancing:
            /// `instance`.
            TargetType,
            Protocol,
            /// The port of targets without a port of their own.
            Port,
            /// The protocol of health checks. Default, decided by Elastic Load Balancing: `TCP` behind a network load
            /// balancer.
            HealthCheckProtocol,
            /// The path of `HTTP` and `HTTPS` checks. Default, decided by Elastic Load Balancing: `/`.
            HealthCheckPath,
            /// The status codes of a healthy target.
            Matcher,
            /// Seconds between checks. Default, decided by Elastic Load Balancing: 30.
            HealthCheckIntervalSeconds,
            /// Seconds until a check counts as failed. Default, decided by Elastic Load Balancing: 10 for `TCP`.
            HealthCheckTimeoutSeconds,
            /// Successes in a row until a target is healthy. Default, decided by Elastic Load Balancing: 5.
            HealthyThresholdCount,
            /// Failures in a row until a target is unhealthy. Default, decided by Elastic Load Balancing: 2.
            UnhealthyThresholdCount,
            /// Settings by name, such as `deregistration_delay.timeout_seconds`.
            TargetGroupAttributes,
            /// The version of HTTP: `HTTP1`, `HTTP2` or `GRPC`. Default, decided by Elastic Load Balancing: `HTTP1`.
            ProtocolVersion,
            /// The port of health checks. Default, decided by Elastic Load Balancing: `traffic-port`, that of the target.
            HealthCheckPort,
            /// Whether targets are checked. Default, decided by Elastic Load Balancing: true.
            HealthCheckEnabled,
            /// Targets that no service registers.
            Targets,
        }

        /// Status codes of a healthy target.
        Matcher = "AWS::ElasticLoadBalancingV2::TargetGroup.Matcher" {
            /// Codes from 200 to 499, such as `200,202` or `200-399`. Default, decided by Elastic Load Balancing: 200
            /// behind an application load balancer, 200-399 behind a network load balancer.
            HttpCode,
            /// Codes of gRPC from 0 to 99. Default, decided by Elastic Load Balancing: 12.
            GrpcCode,
        }

        /// A port of a load balancer, and the actions for its connections.
        ///
        /// `Ref` returns the ARN. `Fn::GetAtt` supports `ListenerArn`.
        Listener = "AWS::ElasticLoadBalancingV2::Listener" {
            /// The load balancer's ARN.
            LoadBalancerArn,
            Protocol,
            Port,
            /// The default certificate, for `HTTPS` and `TLS`: a list of one.
            Certificates,
            /// The security policy, which specifies protocols and ciphers, for `HTTPS` and `TLS`. Default, decided by
            /// Elastic Load Balancing: `ELBSecurityPolicy-2016-08`, which allows TLS 1.0.
            SslPolicy,
            /// The default actions.
            DefaultActions,
        }

        /// More certificates of a listener, which it selects by the name that a client asks for.
        ///
        /// `Ref` returns an id.
        ListenerCertificate = "AWS::ElasticLoadBalancingV2::ListenerCertificate" {
            /// The listener's ARN.
            ListenerArn,
            /// The certificates.
            Certificates,
        }

        /// A certificate of a listener.
        Certificate = "AWS::ElasticLoadBalancingV2::Listener.Certificate"
            | "AWS::ElasticLoadBalancingV2::ListenerCertificate.Certificate" {
            /// Its ARN in Certificate Manager or IAM.
            CertificateArn,
        }

        /// A rule of a listener of an application load balancer: actions for the requests that match all of its conditions.
        ///
        /// `Ref` returns the ARN. `Fn::GetAtt` supports `RuleArn` and `IsDefault`.
        ListenerRule = "AWS::ElasticLoadBalancingV2::ListenerRule" {
            // CloudFormation rejects a rule without a listener.
            /// The listener's ARN.
            ListenerArn.required,
            /// Its place among the rules of its listener, from 1: the lowest is tried first.
            Priority,
            /// The conditions.
            Conditions,
            /// The actions.
            Actions,
        }

        /// A condition of a rule.
        RuleCondition = "AWS::ElasticLoadBalancingV2::ListenerRule.RuleCondition" {
            /// The type: `http-header`, `http-request-method`, `host-header`, `path-pattern`, `query-string` or
            /// `source-ip`.
            Field,
            /// The values of `host-header` and `path-pattern`, in place of their own configuration.
            Values,
            /// Regular expressions, in their place.
            RegexValues,
            /// For `host-header`.
            HostHeaderConfig,
            /// For `http-header`.
            HttpHeaderConfig,
            /// For `http-request-method`.
            HttpRequestMethodConfig,
            /// For `path-pattern`.
            PathPatternConfig,
            /// For `query-string`.
            QueryStringConfig,
            /// For `source-ip`.
            SourceIpConfig,
        }

        /// Hosts or paths of a condition.
        PatternConfig = "AWS::ElasticLoadBalancingV2::ListenerRule.HostHeaderConfig"
            | "AWS::ElasticLoadBalancingV2::ListenerRule.PathPatternConfig" {
            /// Patterns with the wildcards `*` and `?`.
            Values,
            /// Regular expressions, in their place.
            RegexValues,
        }

        /// A header of a condition.
        HttpHeaderConfig = "AWS::ElasticLoadBalancingV2::ListenerRule.HttpHeaderConfig" {
            /// Its name.
            HttpHeaderName,
            /// Patterns of its value, with the wildcards `*` and `?`.
            Values,
            /// Regular expressions, in their place.
            RegexValues,
        }

        /// Methods of a condition.
        HttpRequestMethodConfig = "AWS::ElasticLoadBalancingV2::ListenerRule.HttpRequestMethodConfig" {
            /// Their names, with the case of the request.
            Values,
        }

        /// Query parameters of a condition.
        QueryStringConfig = "AWS::ElasticLoadBalancingV2::ListenerRule.QueryStringConfig" {
            /// Keys and values, one of which must be in the request.
            Values,
        }

        /// A query parameter of a condition.
        QueryStringKeyValue = "AWS::ElasticLoadBalancingV2::ListenerRule.QueryStringKeyValue" {
            /// The key. Default, decided by Elastic Load Balancing: any.
            Key,
            /// A pattern of the value, with the wildcards `*` and `?`.
            Value,
        }

        /// Client addresses of a condition.
        SourceIpConfig = "AWS::ElasticLoadBalancingV2::ListenerRule.SourceIpConfig" {
            /// Blocks of addresses, such as `192.0.2.0/24`.
            Values,
        }

        /// An action of a listener.
        Action = "AWS::ElasticLoadBalancingV2::Listener.Action" | "AWS::ElasticLoadBalancingV2::ListenerRule.Action" {
            /// The type. Network load balancers support `forward` alone.
            Type,
            /// The target group's ARN, for `forward`.
            TargetGroupArn,
            /// The other URL, for `redirect`.
            RedirectConfig,
            /// Its place among the actions: the lowest is first. Required for several.
            Order,
            /// The target groups with their weights, for `forward`.
            ForwardConfig,
            /// The response, for `fixed-response`.
            FixedResponseConfig,
        }

        /// Target groups that share the requests.
        ForwardConfig = "AWS::ElasticLoadBalancingV2::Listener.ForwardConfig"
            | "AWS::ElasticLoadBalancingV2::ListenerRule.ForwardConfig" {
            /// The target groups.
            TargetGroups,
            /// Whether a client stays with one of them.
            TargetGroupStickinessConfig,
        }

        /// A target group and its share.
        TargetGroupTuple = "AWS::ElasticLoadBalancingV2::Listener.TargetGroupTuple"
            | "AWS::ElasticLoadBalancingV2::ListenerRule.TargetGroupTuple" {
            /// Its ARN.
            TargetGroupArn,
            /// Its weight, 0 to 999.
            Weight,
        }

        /// Whether a client stays with a target group.
        TargetGroupStickinessConfig = "AWS::ElasticLoadBalancingV2::Listener.TargetGroupStickinessConfig"
            | "AWS::ElasticLoadBalancingV2::ListenerRule.TargetGroupStickinessConfig" {
            /// Whether it does. Default, decided by Elastic Load Balancing: false.
            Enabled,
            /// For how long, in seconds: 1 to 604800.
            DurationSeconds,
        }

        /// A response of the load balancer.
        FixedResponseConfig = "AWS::ElasticLoadBalancingV2::Listener.FixedResponseConfig"
            | "AWS::ElasticLoadBalancingV2::ListenerRule.FixedResponseConfig" {
            /// The status: 2XX, 4XX or 5XX.
            StatusCode,
            /// The type of the body, such as `text/plain`.
            ContentType,
            /// The body, at most 1,024 characters.
            MessageBody,
        }

        /// The URL of a redirect. A part that is left out is that of the request. Each may have `#{protocol}`, `#{host}`,
        /// `#{port}`, `#{path}` and `#{query}` of the request.
        RedirectConfig = "AWS::ElasticLoadBalancingV2::Listener.RedirectConfig"
            | "AWS::ElasticLoadBalancingV2::ListenerRule.RedirectConfig" {
            /// `HTTP` or `HTTPS`.
            Protocol,
            /// The port.
            Port,
            /// `HTTP_301` or `HTTP_302`.
            StatusCode,
            /// The host.
            Host,
            /// The path, with its first slash.
            Path,
            /// The query, without its question mark.
            Query,
        }
    },
};
