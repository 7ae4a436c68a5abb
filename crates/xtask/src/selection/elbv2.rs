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
        }

        /// Status codes of a healthy target.
        Matcher = "AWS::ElasticLoadBalancingV2::TargetGroup.Matcher" {
            /// Codes from 200 to 499, such as `200,202` or `200-399`. Default, decided by Elastic Load Balancing: 200
            /// behind an application load balancer, 200-399 behind a network load balancer.
            HttpCode,
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

        /// A certificate of a listener.
        Certificate = "AWS::ElasticLoadBalancingV2::Listener.Certificate" {
            /// Its ARN in Certificate Manager or IAM.
            CertificateArn,
        }

        /// An action of a listener.
        Action = "AWS::ElasticLoadBalancingV2::Listener.Action" {
            /// The type. Network load balancers support `forward` alone.
            Type,
            /// The target group's ARN, for `forward`.
            TargetGroupArn,
            /// The other URL, for `redirect`.
            RedirectConfig,
        }

        /// The URL of a redirect. A part that is left out is that of the request.
        RedirectConfig = "AWS::ElasticLoadBalancingV2::Listener.RedirectConfig" {
            /// `HTTP` or `HTTPS`.
            Protocol,
            /// The port.
            Port,
            /// `HTTP_301` or `HTTP_302`.
            StatusCode,
        }
    },
};
